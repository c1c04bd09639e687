/**
 * `npm run drill -- [people in each state] [--without-repair]`: loses each store once, repairs, and audits. Prints a report and writes it to
 * drill.json. With `--without-repair`, the audit must find violations, and it is a fault when it finds none.
 */
import { writeFileSync } from 'node:fs';
import { readArguments, rows, say } from './report.ts';
import { runDrill } from './stores.ts';

/** Of the names of violations, some of which are long. */
const WIDTH = 90;
const {
  flags,
  numbers: [each = 5],
} = readArguments();
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
  ...rows('People, by their state when a store was lost', report.people, WIDTH),
  ...rows('What the command said', report.said, WIDTH),
  ...rows('Registrations at the end', report.outcomes, WIDTH),
  ...counted.flatMap(([loss, counts]) => rows(`Violations, ${loss}`, counts, WIDTH)),
  ``,
  `Violations: ${found}. Duration: ${report.seconds} s.`,
  ...(report.folder === undefined ? [] : [`Data and logs: ${report.folder}`]),
];
process.stdout.write(`${lines.join('\n')}\n`);
if (repairs ? found > 0 : found === 0) process.exitCode = 1;
