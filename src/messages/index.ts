/** All texts, in the language of the reader, from the files in this folder (ICU MessageFormat). organizer/ has those for organizers. */
import { readFileSync } from 'node:fs';
import { IntlMessageFormat } from 'intl-messageformat';
import type en from './en.json';
import type organizerEn from './organizer/en.json';
import { formatMoney, type Money } from '../money.ts';
import { LANGUAGES, type Language } from '../registration.ts';
import { memoize } from '../memoize.ts';

type Catalog = typeof en & typeof organizerEn;
export type MessageKey = keyof Catalog;
type Values = Record<string, string | number>;

/** The locale for dates, amounts and lists in each language. */
export const LOCALES: Record<Language, string> = { en: 'en-GB', de: 'de-DE' };

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Record<string, string>;
const catalog = (language: Language) =>
  ({ ...read(`${language}.json`), ...read(`organizer/${language}.json`) }) as Catalog;
const catalogs = { en: catalog('en'), de: catalog('de') } satisfies Record<Language, Catalog>;
const parsed = memoize(
  (language: Language, key: MessageKey) =>
    new IntlMessageFormat(catalogs[language][key], LOCALES[language], undefined, { ignoreTag: true }),
);

/** A message with its `{values}` filled in. */
export const message = (language: Language, key: MessageKey, values: Values = {}): string =>
  String(parsed(language, key).format(values));

/** What a template needs for one language. */
export type Speech = ReturnType<typeof speak>;

/** One language: its messages, its amounts, and the messages that the browser fills in. */
export const speak = (language: Language) => ({
  language,
  locale: LOCALES[language],
  t: (key: MessageKey, values?: Values) => message(language, key, values),
  money: (amount: Money) => formatMoney(amount, LOCALES[language]),
  /** The messages whose keys have these prefixes, with their `{placeholders}`. */
  unfilled: (...prefixes: string[]): Record<string, string> =>
    Object.fromEntries(
      Object.entries(catalogs[language]).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
    ),
});

export const isMessage = (key: string): key is MessageKey => key in catalogs.en;
export const isLanguage = (value: unknown): value is Language => LANGUAGES.some((known) => known === value);
