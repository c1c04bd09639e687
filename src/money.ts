/** Amounts of money: integers in minor units with their currency, formatted at the edge. */
import { memoize } from './memoize.ts';

/** An amount in the smallest unit of its currency: €120.00 is `{ minor: 12000, currency: 'EUR' }`. */
export type Money = { minor: number; currency: string };

/** Intl has decimals for these currencies, but PayPal accepts none (developer.paypal.com, currency codes). */
const WITHOUT_DECIMALS = ['HUF', 'TWD'];

/** Digits after the decimal point of a currency's major unit: 2 for EUR, 0 for JPY. */
const fractionDigits = memoize((currency: string) => {
  if (WITHOUT_DECIMALS.includes(currency)) return 0;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
});

/** An amount as a decimal string in major units, as PayPal and the HTTP API write it: `"120.00"`. */
export function decimal({ minor, currency }: Money): string {
  const digits = fractionDigits(currency);
  return (minor / 10 ** digits).toFixed(digits);
}

/**
 * Reads an amount that somebody typed or a vendor wrote: major units with a point or a comma, `120`, `40.5`, `40,50`.
 * @returns undefined for anything else, and for more digits after the point than the currency has
 */
export function parseMoney(text: string, currency: string): Money | undefined {
  const digits = fractionDigits(currency);
  const [, whole = '', decimals = ''] = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.trim()) ?? [];
  if (!whole || decimals.length > digits) return undefined;
  return { minor: Number(whole + decimals.padEnd(digits, '0')), currency };
}

const moneyFormat = memoize((locale: string, currency: string) => {
  const digits = fractionDigits(currency);
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
});

/** An amount for people to read, in the notation of their locale: `€120.00`, `120,00 €`. */
export const formatMoney = ({ minor, currency }: Money, locale = 'en'): string =>
  moneyFormat(locale, currency)
    .format(minor / 10 ** fractionDigits(currency))
    .replaceAll('\u00a0', ' ');
