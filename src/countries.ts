import { memoize } from './memoize.ts';

/** The officially assigned codes of ISO 3166-1 alpha-2. Their names come from Intl, in the reader's language. */
export const COUNTRY_CODES =
  `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG
GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR
KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF
NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM
SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
YT ZA ZM ZW`.split(/\s/);

type PostalLabel = 'postal-code' | 'zip' | 'postcode' | 'eircode' | 'pin';
type RegionLabel =
  | 'region'
  | 'state'
  | 'state-or-territory'
  | 'province'
  | 'province-or-territory'
  | 'prefecture'
  | 'county'
  | 'emirate';
/** What an address in a country needs, and what people there call it. */
export type AddressRules = {
  postalCode: { label: PostalLabel; required: boolean };
  /** `used`: whether people write a region at all. */
  region: { label: RegionLabel; required: boolean; used: boolean };
};

/** Countries whose addresses have no postal code, or seldom one (Universal Postal Union, addressing systems). */
const WITHOUT_POSTAL_CODE = new Set(
  `AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GQ GY HK HM JM KI KM KN KP LC LY ML
MO MR MS MW NR NU PA QA RW SB SC SL SO SR SS ST SX SY TD TF TG TK TL TO TT TV TZ UG UM VC VU WS YE ZW`.split(
    /\s/,
  ),
);
const POSTAL_LABELS: Partial<Record<string, PostalLabel>> = {
  ...{ US: 'zip', PR: 'zip', GU: 'zip', VI: 'zip', PH: 'zip', IE: 'eircode', IN: 'pin' },
  ...{ GB: 'postcode', AU: 'postcode', NZ: 'postcode', GG: 'postcode', JE: 'postcode', IM: 'postcode' },
};
/** Countries whose mail needs a region, and what the region is called there. Elsewhere it is optional. */
const REGION_NEEDED: Partial<Record<string, RegionLabel>> = {
  ...{ US: 'state', BR: 'state', IN: 'state', MX: 'state', MY: 'state', AU: 'state-or-territory' },
  ...{ CA: 'province-or-territory', CN: 'province', JP: 'prefecture' },
};
const REGION_LABELS: Partial<Record<string, RegionLabel>> = {
  ...{ GB: 'county', IE: 'county', AE: 'emirate', NG: 'state', VE: 'state', AR: 'province' },
  ...{ IT: 'province', ES: 'province', ID: 'province', ZA: 'province' },
  ...{ TH: 'province', VN: 'province', TR: 'province', PH: 'province', KR: 'province' },
};

/** The rules for an address in a country; before a country is chosen, the rules of most countries. */
export function addressRules(countryCode: string): AddressRules {
  const needed = REGION_NEEDED[countryCode];
  return {
    postalCode: {
      label: POSTAL_LABELS[countryCode] ?? 'postal-code',
      required: !WITHOUT_POSTAL_CODE.has(countryCode),
    },
    region: {
      label: needed ?? REGION_LABELS[countryCode] ?? 'region',
      required: needed !== undefined,
      used: needed !== undefined || countryCode in REGION_LABELS,
    },
  };
}

/** Names of countries by their codes, in the language of a locale. */
export const countryNames = memoize((locale: string) => new Intl.DisplayNames(locale, { type: 'region' }));

/** All countries as `{ code, name }`, sorted by their name in the language of `locale`. */
export function countries(locale = 'en'): { code: string; name: string }[] {
  const names = countryNames(locale);
  return COUNTRY_CODES.map((code) => ({ code, name: names.of(code) ?? code })).sort((a, b) =>
    a.name.localeCompare(b.name, locale),
  );
}
