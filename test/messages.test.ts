import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { expect, it } from 'vitest';
import { LANGUAGES } from '../src/registration.ts';

const folder = new URL('../src/', import.meta.url);
const catalog = (language: string) =>
  JSON.parse(readFileSync(new URL(`messages/${language}.json`, folder), 'utf8')) as Record<string, string>;
const en = catalog('en');

type Element = { type: number; value?: string; options?: Record<string, { value: Element[] }> };
const LITERAL = 0;

/** The values a message takes, in all branches of its plurals. */
const namesIn = (elements: Element[]): string[] =>
  elements.flatMap(({ type, value, options }) => [
    ...(type !== LITERAL && value !== undefined ? [value] : []),
    ...Object.values(options ?? {}).flatMap((branch) => namesIn(branch.value)),
  ]);
const values = (text: string) => {
  const format = new IntlMessageFormat(text, 'en', undefined, { ignoreTag: true });
  return [...new Set(namesIn(format.getAst()))].toSorted();
};

it.each(LANGUAGES)('%s has every message of every other language, and no other', (language) => {
  expect(Object.keys(catalog(language)).toSorted()).toEqual(Object.keys(en).toSorted());
});

it.each(LANGUAGES)('each message in %s takes the same values, and none is empty', (language) => {
  for (const [key, text] of Object.entries(catalog(language))) {
    expect(text.trim(), key).not.toBe('');
    expect(values(text), key).toEqual(values(en[key] ?? ''));
  }
});

it.each(LANGUAGES)('what the browser fills in by itself is simple in %s', (language) => {
  for (const [key, text] of Object.entries(catalog(language)))
    if (/^(browser|fault|problem)\./.test(key)) expect(text, key).not.toMatch(/\{\w+,/);
});

it('every message is used, and every one that is used is there', () => {
  const sources = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    .join('\n');
  // Keys that are put together: by the name of a problem, a status, a step, a label, or a kind of mail.
  const built = /^(problem|status|step|state|declined|postal|region|mail)\./;
  const unused = Object.keys(en).filter((key) => !built.test(key) && !sources.includes(`'${key}'`));
  expect(unused).toEqual([]);
  const keys = sources.matchAll(
    /'((?:page|form|field|fault|browser|mail|events)\.(?!js')[a-z][A-Za-z0-9.-]*[A-Za-z0-9])'/g,
  );
  expect([...keys].map(([, key]) => key).filter((key) => !(String(key) in en))).toEqual([]);
});
