/** The scripts and the stylesheets, served under an address that changes with their contents. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What all pages share, and what each audience has for itself. Names are unique among them. */
const folders = ['public', 'attendee/public', 'organizer/public'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);
const contents = new Map(
  folders.flatMap((folder) =>
    readdirSync(folder)
      .toSorted()
      .map((name) => [name, readFileSync(`${folder}/${name}`)] as const),
  ),
);
const version = createHash('sha256')
  .update([...contents].flat().join('\n'))
  .digest('hex')
  .slice(0, 12);

/** The folders of the files and the prefix of their addresses. Browsers may cache them for ever. */
export const assets = { folders, prefix: `/assets/${version}/` };

/** The address of an asset, and the hash with which browsers refuse any other contents (W3C, Subresource Integrity). */
export function asset(name: string): { url: string; integrity: string } {
  const content = contents.get(name);
  if (!content) throw new Error(`There is no asset ${name}`);
  const hash = createHash('sha384').update(content).digest('base64');
  return { url: assets.prefix + name, integrity: `sha384-${hash}` };
}
