/** Forms of events as a page sends them, and pictures. */
import { randomUUID } from 'node:crypto';
import { BROWSER, fieldIn, HERE, type SignedIn } from './desk.ts';
import type { Stack } from '../../stack.ts';

/** A new event that has everything but ticket types. */
export const aNewEvent = (more: Record<string, string> = {}): Record<string, string> => ({
  ...{ action: randomUUID(), name: 'Open Harbour Day', timeZone: 'Europe/Berlin', currency: 'EUR' },
  ...{ starts: '2099-06-01T09:00', ends: '2099-06-01T18:00', venue: 'Pier 3, Hamburg' },
  ...{ seller: 'Harbour e.V.\r\nPier 3\r\n20457 Hamburg', ...more },
});

const unescape = (text: string) =>
  text.replaceAll(
    /&(quot|lt|gt|#39|amp);/g,
    (_all, name: string) => ({ quot: '"', lt: '<', gt: '>', '#39': "'", amp: '&' })[name] ?? '',
  );

/** The fields of the editor's form in a page, as a browser would send them. */
export function fieldsIn(html: string): Record<string, string> {
  const [, form = ''] = /<form[^>]*id="editor">(.*?)<\/form>/s.exec(html) ?? [];
  const fields: Record<string, string> = {};
  for (const [, tag = '', rest = ''] of form.matchAll(/<(input|textarea|select)\b([^>]*)>/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(rest)?.[1];
    const name = attribute('name') ?? '';
    if (tag === 'input' && attribute('type') === 'checkbox' && !/\bchecked\b/.test(rest)) continue;
    const content = (close: string) => form.slice(form.indexOf(`name="${name}"`)).split(close)[0] ?? '';
    if (tag === 'input') fields[name] = unescape(attribute('value') ?? '');
    if (tag === 'textarea') fields[name] = unescape(/>\n(.*)$/s.exec(content('</textarea>'))?.[1] ?? '');
    if (tag === 'select')
      fields[name] = /<option value="([^"]*)" selected>/.exec(content('</select>'))?.[1] ?? '';
  }
  return fields;
}

/** Opens the editor and returns its fields, with what is to be typed into them. */
export const openEditor = async (who: SignedIn, event: string, typed: Record<string, string> = {}) => ({
  ...fieldsIn((await who.get(`/organizer/events/${event}`)).body),
  ...{ do: 'save', ...typed },
});

/** Sends the form with a picture. */
export async function postPicture(
  { app }: Pick<Stack, 'app'>,
  who: SignedIn,
  event: string,
  { file, alt = '', version }: { file: Buffer; alt?: string; version?: string },
) {
  const page = (await who.get(`/organizer/events/${event}`)).body;
  const fields = {
    ...{ _csrf: fieldIn(page, '_csrf'), action: randomUUID(), do: 'picture', alt },
    version: version ?? fieldIn(page, 'version'),
  };
  const boundary = 'a-boundary-of-the-parts';
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const payload = Buffer.concat([
    Buffer.from(
      `${parts.join('')}--${boundary}\r\ncontent-disposition: form-data; name="picture"; filename="x.png"\r\ncontent-type: image/png\r\n\r\n`,
    ),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return app.inject({
    ...{ method: 'POST', url: `/organizer/events/${event}`, payload, cookies: who.cookies },
    headers: {
      ...{ accept: BROWSER, origin: HERE, 'content-type': `multipart/form-data; boundary=${boundary}` },
    },
  });
}

/** The smallest PNG: one transparent pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
