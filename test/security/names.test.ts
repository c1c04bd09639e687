/** Mails and pages show names: no name is an advertisement, and none looks like what it is not. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aForm } from '../../stage/person.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** The fault of a field, or undefined for a form that is valid (an event that does not exist keeps it from holding a seat). */
async function faultOf(field: string, value: string, language = 'en'): Promise<string | undefined> {
  const [part = '', name = ''] = field.split('/').slice(1);
  const form = aForm({ event: 'elsewhere' }) as Record<string, unknown>;
  const response = await stack.app.inject({
    ...{ method: 'PUT', url: `/api/checkouts/${randomUUID()}`, headers: { 'accept-language': language } },
    body: { ...form, [part]: { ...(form[part] as object), [name]: value } },
  });
  expect(response.statusCode).toBe(422);
  const { errors } = response.json<{ errors: { pointer: string; detail: string }[] }>();
  return errors.find(({ pointer }) => pointer === field)?.detail;
}
const NAMES = ['/attendee/firstName', '/attendee/lastName', '/attendee/organization'];

describe.each(NAMES)('%s', (field) => {
  it.each([
    'WIN http://evil.example now',
    'hxxp://evil',
    'go to www.evil',
    'WwW.evil',
    'evil.example/win',
    'Dear evil.example/?id=1',
    'evil.example:8080/win',
    'xn--80ak6aa92e.xn--p1ai/x',
    'почта.рф/выигрыш',
    'example.com/x'.padStart(100, 'a'),
  ])('refuses a link: %s', async (value) => {
    expect(await faultOf(field, value)).toBe('Please leave out web addresses.');
    expect(await faultOf(field, value, 'de')).toBe('Bitte geben Sie hier keine Webadresse ein.');
  });

  it.each([
    'J.R. Smith',
    'Dr.Who',
    'St./Sgt.',
    'A.B.C. GmbH',
    'Amazon.com Inc',
    'Müller/Söhne',
    'S.A./N.V.',
    'c/o O’Brien',
    'AC/DC e.V.',
    'Prof.Dr./Mag. Huber',
    'D’Angelo: Wer, was & wo?',
    'Yahoo!',
    '山田/田中',
  ])('accepts %s', async (value) => {
    expect(await faultOf(field, value)).toBeUndefined();
  });
});

describe.each([...NAMES, '/billing/addressLine1', '/billing/city'])('%s', (field) => {
  it.each([
    ['an override of the direction', 'Ada \u202Egpj.exe'],
    ['an isolate', 'Ada \u2066x\u2069'],
    ['a mark of the direction', 'Ada\u200F'],
    ['an Arabic letter mark', 'Ada\u061C'],
    ['a soft hyphen', 'A\u00ADda'],
    ['a zero-width space', 'A\u200Bda'],
    ['a word joiner', 'A\u2060da'],
    ['a byte order mark', '\uFEFFAda'],
    ['a separator of lines', 'Ada\u2028Bcc'],
    ['a separator of paragraphs', 'Ada\u2029Bcc'],
    ['nothing that is visible', '\u200D\u3000\u00A0'],
  ])('refuses %s', async (_what, value) => {
    expect(await faultOf(field, value)).toBe('Please use only letters, digits and punctuation.');
  });

  it.each([
    ['joiners', 'می\u200Cخواهم क्\u200Dष 👩\u200D🚀'],
    ['scripts from right to left', 'עדה כהן'],
    ['a space that does not break', 'Ada\u00A0von\u202FX'],
  ])('accepts %s', async (_what, value) => {
    expect(await faultOf(field, value)).toBeUndefined();
  });
});

it('an address may have a slash after a dot, for it is in no mail’s greeting', async () => {
  expect(await faultOf('/billing/addressLine2', 'Haus 3.OG/links')).toBeUndefined();
});
