/** `npm run chaos -- [seed] [registrations] [seconds]`: prints a report and writes it to chaos.json. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { runChaos } from './run.ts';

const [seed = randomInt(2 ** 31), registrations = 200, seconds = 90] = process.argv.slice(2).map(Number);
const options = { seed, registrations, seconds, kills: Math.max(4, Math.round(seconds / 5)) };
const say = (line: string) => process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${line}\n`);

say(`Seed ${seed}. To repeat this plan: npm run chaos -- ${seed} ${registrations} ${seconds}`);
const report = await runChaos(options, say, process.env.CHAOS_BREAK);
writeFileSync('chaos.json', JSON.stringify(report, null, 2));

const rows = (title: string, counts: Record<string, number>) => [
  ``,
  title,
  ...Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `  ${name.padEnd(48)}${String(count).padStart(6)}`),
];
const violations = Object.fromEntries(
  Object.entries(report.violations).map(([name, ids]) => [name, ids.length]),
);
const lines = [
  ...rows('Registrations', report.outcomes),
  ...rows('Processes killed', report.kills),
  ...rows('Vendor faults', report.faults),
  ...rows('Responses', report.answers),
  ...rows('Answers to organizers', report.rulings),
  ...rows('Answers to organizers who fix', report.fixes),
  ...rows('Refunds', report.refunds),
  ...rows('Violations', violations),
  '',
  `Duplicate confirmations: ${report.duplicateMails}. Duration: ${report.seconds} s.`,
  ...(report.folder === undefined ? [] : [`Data and logs: ${report.folder}`]),
];
process.stdout.write(`${lines.join('\n')}\n`);
if (Object.values(violations).some((count) => count > 0)) process.exitCode = 1;
