/** Everything people are told, in their language, from the files in messages/ (ICU MessageFormat). */
import { readFileSync } from 'node:fs';
import { IntlMessageFormat } from 'intl-messageformat';
import type en from './en.json';
import { formatMoney, type Money } from '../money.ts';
import { LANGUAGES, type Language } from '../registration.ts';
import { memoize } from '../memoize.ts';

export type MessageKey = keyof typeof en;
type Values = Record<string, string | number>;

/** Which way of writing dates, amounts and lists goes with a language. */
export const LOCALES: Record<Language, string> = { en: 'en-GB', de: 'de-DE' };

const read = (language: Language) =>
  JSON.parse(readFileSync(new URL(`${language}.json`, import.meta.url), 'utf8')) as typeof en;
const catalogs = { en: read('en'), de: read('de') } satisfies Record<Language, typeof en>;
const parsed = memoize(
  (language: Language, key: MessageKey) =>
    new IntlMessageFormat(catalogs[language][key], LOCALES[language], undefined, { ignoreTag: true }),
);

/** A message with its `{values}` filled in. */
export const message = (language: Language, key: MessageKey, values: Values = {}): string =>
  String(parsed(language, key).format(values));

/** What a template needs to speak one language. */
export type Speech = ReturnType<typeof speak>;

/** One language: its messages, amounts, and the messages as they stand for the browser to fill in. */
export const speak = (language: Language) => ({
  language,
  locale: LOCALES[language],
  t: (key: MessageKey, values?: Values) => message(language, key, values),
  money: (amount: Money) => formatMoney(amount, LOCALES[language]),
  /** The messages whose keys begin so, as they stand: with `{names}` of values at most. */
  unfilled: (...prefixes: string[]): Record<string, string> =>
    Object.fromEntries(
      Object.entries(catalogs[language]).filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix))),
    ),
});

export const isMessage = (key: string): key is MessageKey => key in catalogs.en;
export const isLanguage = (value: unknown): value is Language => LANGUAGES.some((known) => known === value);
