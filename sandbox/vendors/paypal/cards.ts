/** The sandbox's test cards and wallets, and the outcome of each. */
export type Outcome =
  | { status: 'COMPLETED' | 'PENDING' | 'FAILED' }
  | { status: 'DECLINED'; responseCode: string }
  | { status: 'REFUSED'; issue: string };

/** The 3-D Secure result in an order (developer.paypal.com, 3D Secure response parameters). */
export type AuthenticationResult = {
  liability_shift: 'POSSIBLE' | 'NO' | 'UNKNOWN';
  three_d_secure: { enrollment_status: 'Y'; authentication_status: AuthenticationStatus };
};
/** Authenticated (Y), failed (N), or unavailable (U). */
export type AuthenticationStatus = 'Y' | 'N' | 'U';
/** How a card's bank authenticates: with a challenge, or immediately with this status. */
export type Authentication = 'challenge' | AuthenticationStatus;

type TestCard = { number: string; leadsTo: string; outcome: Outcome; authentication?: Authentication };
export const declined = (responseCode: string): Outcome => ({ status: 'DECLINED', responseCode });

export const DECLINED_CARD = '4000000000000002';
export const PENDING_CARD = '4000000000000077';

export const TEST_CARDS: TestCard[] = [
  { number: '4012888888881881', leadsTo: 'paid (Visa)', outcome: { status: 'COMPLETED' } },
  { number: '5555555555554444', leadsTo: 'paid (Mastercard)', outcome: { status: 'COMPLETED' } },
  { number: DECLINED_CARD, leadsTo: 'declined by the bank', outcome: declined('0500') },
  { number: '4000000000009995', leadsTo: 'declined: insufficient funds', outcome: declined('5120') },
  { number: '4000000000000069', leadsTo: 'declined: card expired', outcome: declined('5400') },
  { number: '4000000000000127', leadsTo: 'declined: wrong security code', outcome: declined('00N7') },
  { number: '4000000000009987', leadsTo: 'declined: lost or stolen', outcome: declined('9520') },
  {
    number: '4000000000000101',
    leadsTo: 'refused by PayPal (422 TRANSACTION_REFUSED)',
    outcome: { status: 'REFUSED', issue: 'TRANSACTION_REFUSED' },
  },
  {
    number: PENDING_CARD,
    leadsTo: 'pending until you settle the capture on this page',
    outcome: { status: 'PENDING' },
  },
  { number: '4000000000000341', leadsTo: 'failed capture', outcome: { status: 'FAILED' } },
  // PayPal's own numbers for 3-D Secure (developer.paypal.com, 3D Secure test scenarios).
  {
    number: '4868719460707704',
    leadsTo: 'paid after a 3-D Secure challenge',
    outcome: { status: 'COMPLETED' },
    authentication: 'challenge',
  },
  {
    number: '4868719196829038',
    leadsTo: 'paid, with 3-D Secure but without a challenge',
    outcome: { status: 'COMPLETED' },
    authentication: 'Y',
  },
  {
    number: '4868719158130060',
    leadsTo: '3-D Secure fails without a challenge: the merchant must not capture',
    outcome: { status: 'COMPLETED' },
    authentication: 'N',
  },
  {
    number: '4868719115514992',
    leadsTo: '3-D Secure is unavailable: the merchant must not capture',
    outcome: { status: 'COMPLETED' },
    authentication: 'U',
  },
];

export const TEST_WALLETS: { email: string; leadsTo: string; outcome: Outcome }[] = [
  { email: 'buyer@example.com', leadsTo: 'paid', outcome: { status: 'COMPLETED' } },
  {
    email: 'declined@example.com',
    leadsTo: 'declined (422 INSTRUMENT_DECLINED)',
    outcome: { status: 'REFUSED', issue: 'INSTRUMENT_DECLINED' },
  },
  {
    email: 'cannot-pay@example.com',
    leadsTo: 'declined (422 PAYER_CANNOT_PAY)',
    outcome: { status: 'REFUSED', issue: 'PAYER_CANNOT_PAY' },
  },
];

export type Card = { number: string; expiry: string; cvv: string; name?: string | undefined };

/** The card data that PayPal returns. The card number is not stored. */
export type CardFacts = { last_digits: string; brand: string; expiry: string; name?: string | undefined };

const BRANDS: [RegExp, string][] = [
  [/^4/, 'VISA'],
  [/^(5[1-5]|2[2-7])/, 'MASTERCARD'],
  [/^3[47]/, 'AMEX'],
  [/^6/, 'DISCOVER'],
];

/** PayPal's error codes for an invalid card. */
export type CardIssue =
  'INVALID_CARD_NUMBER' | 'INVALID_EXPIRY_DATE' | 'CARD_EXPIRED' | 'INVALID_SECURITY_CODE_LENGTH';
export type ReadCard = { facts: CardFacts; outcome: Outcome; authentication?: Authentication };

/**
 * Validates a card as the hosted fields do.
 * @returns the stored card data and the outcome, or PayPal's issue for the invalid field
 */
export function readCard(card: Card, now = new Date()): ReadCard | { issue: CardIssue } {
  const number = card.number.replaceAll(/[\s-]/g, '');
  if (!/^\d{12,19}$/.test(number) || !passesLuhn(number)) return { issue: 'INVALID_CARD_NUMBER' };
  const [, month, year] = /^(0?[1-9]|1[0-2])\s*\/\s*(?:20)?(\d\d)$/.exec(card.expiry.trim()) ?? [];
  if (!month || !year) return { issue: 'INVALID_EXPIRY_DATE' };
  // A card is valid until the end of its expiry month.
  if (new Date(Date.UTC(2000 + Number(year), Number(month))) <= now) return { issue: 'CARD_EXPIRED' };
  const brand = BRANDS.find(([start]) => start.test(number))?.[1] ?? 'UNKNOWN';
  if (!(brand === 'AMEX' ? /^\d{4}$/ : /^\d{3}$/).test(card.cvv))
    return { issue: 'INVALID_SECURITY_CODE_LENGTH' };
  const known = TEST_CARDS.find((card) => card.number === number);
  return {
    facts: {
      last_digits: number.slice(-4),
      brand,
      expiry: `20${year}-${month.padStart(2, '0')}`,
      name: card.name,
    },
    outcome: known?.outcome ?? { status: 'COMPLETED' },
    ...(known?.authentication ? { authentication: known.authentication } : {}),
  };
}

/** The Luhn check of ISO/IEC 7812-1, separate from the product's so that a bug there is not repeated here. */
function passesLuhn(number: string): boolean {
  let sum = 0;
  for (let i = 0; i < number.length; i++) {
    const doubled = Number(number.at(-1 - i)) * (i % 2 === 0 ? 1 : 2);
    sum += Math.floor(doubled / 10) + (doubled % 10);
  }
  return sum % 10 === 0;
}
