/**
 * `npm run drill -- [people in each state] [--without-repair]`: loses each store once, repairs, and audits. Prints a report and writes it to
 * drill.json. With `--without-repair`, the audit must find violations, and it is a fault when it finds none.
 */
import { writeFileSync } from 'node:fs';
import { runDrill } from './stores.ts';

const say = (line: string) => process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${line}\n`);
const rows = (title: string, counts: Record<string, number>) => [
  ``,
  title,
  ...Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `  ${name.padEnd(90)}${String(count).padStart(6)}`),
];
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const [each = 5] = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
  .map(Number);
const repairs = !flags.includes('--without-repair');

const report = await runDrill({ each, repairs }, say);
writeFileSync('drill.json', JSON.stringify(report, null, 2));
const counted = Object.entries(report.violations).map(
  ([loss, violations]) =>
    [loss, Object.fromEntries(Object.entries(violations).map(([name, ids]) => [name, ids.length]))] as const,
);
const found = counted.reduce(
  (sum, [, counts]) => sum + Object.values(counts).reduce((some, count) => some + count, 0),
  0,
);
const lines = [
  ...rows('People, by their state when a store was lost', report.people),
  ...rows('What the command said', report.said),
  ...rows('Registrations at the end', report.outcomes),
  ...counted.flatMap(([loss, counts]) => rows(`Violations, ${loss}`, counts)),
  ``,
  `Violations: ${found}. Duration: ${report.seconds} s.`,
  ...(report.folder === undefined ? [] : [`Data and logs: ${report.folder}`]),
];
process.stdout.write(`${lines.join('\n')}\n`);
if (repairs ? found > 0 : found === 0) process.exitCode = 1;
