/** What the commands of this folder print, and how they are called. */

/** Prints a line with the time of day. */
export const say = (line: string) =>
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${line}\n`);

/** A table of counts below a title, by name. `width`: of the column of names. */
export const rows = (title: string, counts: Record<string, number>, width = 48) => [
  ``,
  title,
  ...Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `  ${name.padEnd(width)}${String(count).padStart(6)}`),
];

/** The arguments of a command: flags, which begin with two hyphens, and numbers. */
export function readArguments(): { flags: string[]; numbers: number[] } {
  const all = process.argv.slice(2);
  const isFlag = (argument: string) => argument.startsWith('--');
  return { flags: all.filter(isFlag), numbers: all.filter((argument) => !isFlag(argument)).map(Number) };
}
