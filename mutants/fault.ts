import { readdirSync, readFileSync } from 'node:fs';

/** A fault that somebody could write into the code, and the tests that must fail on it. */
export type Fault = {
  /** What the code does wrong. */
  name: string;
  file: string;
  /** A text that occurs once in the file. */
  find: string;
  replace: string;
  /** Test files, each of which must catch the fault alone, with a part of the names of their tests: '' for all of them. */
  caughtBy: Record<string, string>;
};

/** Writes the fault into the text of its file. @throws when `find` does not occur there exactly once */
export function apply({ name, file, find, replace }: Fault, source: string): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${name}: "${find}" occurs ${source.split(find).length - 1} times in ${file}`);
  return before + replace + after;
}

/** The migration that defines something of the database last, by a text of it. What an earlier one says has no effect. */
export const definitionOf = (text: string): string =>
  readdirSync('migrations')
    .toSorted()
    .map((name) => `migrations/${name}`)
    .findLast((file) => readFileSync(file, 'utf8').includes(text)) ?? '';
