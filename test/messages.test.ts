import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { expect, it } from 'vitest';
import { LANGUAGES } from '../src/registration.ts';

const folder = new URL('../src/', import.meta.url);
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`messages/${file}`, folder), 'utf8')) as Record<string, string>;
const catalog = (language: string) => ({
  ...read(`${language}.json`),
  ...read(`organizer/${language}.json`),
});
const en = catalog('en');

type Element = { type: number; value?: string; options?: Record<string, { value: Element[] }> };
const LITERAL = 0;

/** The names of the values in a message, including all branches of its plurals. */
const namesIn = (elements: Element[]): string[] =>
  elements.flatMap(({ type, value, options }) => [
    ...(type !== LITERAL && value !== undefined ? [value] : []),
    ...Object.values(options ?? {}).flatMap((branch) => namesIn(branch.value)),
  ]);
const values = (text: string) => {
  const format = new IntlMessageFormat(text, 'en', undefined, { ignoreTag: true });
  return [...new Set(namesIn(format.getAst()))].toSorted();
};

it.each(LANGUAGES)('%s has the same keys as every other language', (language) => {
  expect(Object.keys(catalog(language)).toSorted()).toEqual(Object.keys(en).toSorted());
});

it.each(LANGUAGES)('every message in %s takes the same values and is not empty', (language) => {
  for (const [key, text] of Object.entries(catalog(language))) {
    expect(text.trim(), key).not.toBe('');
    expect(values(text), key).toEqual(values(en[key] ?? ''));
  }
});

it.each(LANGUAGES)('messages that the browser fills in use only simple values in %s', (language) => {
  for (const [key, text] of Object.entries(catalog(language)))
    if (/^(browser|fault|problem)\./.test(key)) expect(text, key).not.toMatch(/\{\w+,/);
});

it('the texts for organizers are apart, and no page of attendees or script gets one of them', () => {
  for (const language of LANGUAGES) {
    const all = Object.keys(read(`organizer/${language}.json`));
    expect(all.filter((key) => !key.startsWith('organizer.'))).toEqual([]);
    expect(Object.keys(read(`${language}.json`)).filter((key) => key.startsWith('organizer.'))).toEqual([]);
  }
  const attendees = readdirSync(new URL('web/attendee/', folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
  expect(attendees.join('\n')).not.toContain('organizer.');
});

it('every message is used, and every used message exists', () => {
  const sources = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.json'))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    .join('\n');
  // These keys are built at run time from the name of a problem, status, step, failure, label, refusal or kind of mail.
  const built =
    /^(problem|status|step|state|declined|postal|region|mail|events|organizer\.(problem|role|status|state|failure|history|desk-history|refund|told|change|add|import|money\.by|export\.filter|dispute|mail-problem|mail-name)|organizer\.cancel-event\.state)\.|^fault\.needed\./;
  const unused = Object.keys(en).filter((key) => !built.test(key) && !sources.includes(`'${key}'`));
  expect(unused).toEqual([]);
  const keys = sources.matchAll(
    /'((?:page|form|field|fault|browser|mail|events|organizer)\.(?!js'|css')[a-z][A-Za-z0-9.-]*[A-Za-z0-9])'/g,
  );
  expect([...keys].map(([, key]) => key).filter((key) => !(String(key) in en))).toEqual([]);
});
