/** What organizers type to find registrations: parts of a name or an e-mail address, or a reference. */
import { readReference } from '../../reference.ts';

/** A condition of SQL on `orders` as `o`, and its bindings. */
export type Condition = { sql: string; bindings: string[] };

/** Letters that some people write as one letter and others as two: ä, ö, ü, å, ø. */
const TWO_SPELLINGS = /[aou]\u0308|a\u030a|ø/i;

/** The orders that contain each word, or have the reference. Letters are compared in the functions of the database alone. */
export function searchFor(text: string): Condition {
  const words = [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
  const each = words.map((word) => {
    const spellings = TWO_SPELLINGS.test(word.normalize('NFD')) ? ['false', 'true'] : ['false'];
    const sql = spellings.map((german) => `o.searched like search_pattern(?, ${german})`).join(' or ');
    return { sql: `(${sql})`, bindings: spellings.map(() => word) };
  });
  const all = {
    sql: each.map(({ sql }) => sql).join(' and ') || 'true',
    bindings: each.flatMap(({ bindings }) => bindings),
  };
  const reference = readReference(text);
  if (reference === undefined) return all;
  return { sql: `(o.reference = ? or ${all.sql})`, bindings: [reference, ...all.bindings] };
}
