/**
 * `npm run chaos -- [seed] [registrations] [seconds] [--cluster] [--pgbouncer]`: prints a report and writes it to chaos.json. With
 * `--cluster`, Temporal is a real cluster of two servers, and there are two apis. With `--pgbouncer`, api and workers reach PostgreSQL
 * through a transaction pooler.
 * `npm run chaos -- --cancel-event [seed] [registrations]` cancels an event instead.
 * `npm run chaos -- --rolling [seed] [registrations] [seconds] [--from=<commit>]` replaces the apis and workers of a cluster by this version.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { findPgbouncer } from '../stage/pgbouncer.ts';
import { runCancelEvent } from './cancel-event.ts';
import { lastOtherVersion } from './former.ts';
import { readArguments, rows, say } from './report.ts';
import { runRolling } from './rolling.ts';
import { runChaos } from './run.ts';

type Outcome = { violations: Record<string, string[]>; folder: string | undefined };

/** Prints a report, and fails where something is violated. */
function conclude({ violations, folder }: Outcome, sections: string[], last: string): void {
  const counts = Object.fromEntries(Object.entries(violations).map(([name, ids]) => [name, ids.length]));
  const kept = folder === undefined ? [] : [`Data and logs: ${folder}`];
  process.stdout.write(`${[...sections, ...rows('Violations', counts), '', last, ...kept].join('\n')}\n`);
  if (Object.values(counts).some((count) => count > 0)) process.exitCode = 1;
}

async function chaos([seed = randomInt(2 ** 31), registrations = 200, seconds = 90]: number[]) {
  const options = {
    seed,
    registrations,
    seconds,
    kills: Math.max(4, Math.round(seconds / 5)),
    cluster,
    pooler,
  };
  const flag = `${cluster ? ' --cluster' : ''}${pooler ? ' --pgbouncer' : ''}`;
  say(`Seed ${seed}. To repeat this plan: npm run chaos -- ${seed} ${registrations} ${seconds}${flag}`);
  const report = await runChaos(options, say, process.env.CHAOS_BREAK);
  writeFileSync('chaos.json', JSON.stringify(report, null, 2));
  const sections = [
    ...rows('Registrations', report.outcomes),
    ...rows('Processes killed', report.kills),
    ...rows('Vendor faults', report.faults),
    ...rows('Responses', report.answers),
    ...rows('Answers to organizers', report.rulings),
    ...rows('Answers to organizers who fix', report.fixes),
    ...rows('Edits of the event', report.edits),
    ...rows('Webhooks', report.webhooks),
    ...rows('Refunds', report.refunds),
  ];
  conclude(
    report,
    sections,
    `Added by hand and with files: ${report.added}. Duplicate confirmations: ${report.duplicateMails}. Duration: ${report.seconds} s.`,
  );
}

/** Of the registrations, five cannot be refunded, and there is money for three in ten. */
async function cancelledEvent([seed = randomInt(2 ** 31), registrations = 1000]: number[]) {
  const plan = { seed, registrations, paying: Math.ceil(registrations / 40), refused: 5, killEveryMs: 3000 };
  say(`Seed ${seed}. To repeat this plan: npm run chaos -- --cancel-event ${seed} ${registrations}`);
  const fundsFor = Math.round(registrations * 0.3);
  const report = await runCancelEvent({ ...plan, fundsFor }, say, process.env.CHAOS_BREAK);
  writeFileSync('chaos.json', JSON.stringify(report, null, 2));
  const sections = [...rows('Registrations', report.counts), ...rows('Processes killed', report.kills)];
  const last = `Pauses for want of money: ${report.pauses}. Runs: ${report.runs}. Duration: ${report.seconds} s.`;
  conclude(report, sections, last);
}

/** Replaces the version of a commit by this one while people register. */
async function rollingUpdate(
  [seed = randomInt(2 ** 31), registrations = 200, seconds = 60]: number[],
  from: string,
) {
  say(
    `Seed ${seed}. To repeat this plan: npm run chaos -- --rolling ${seed} ${registrations} ${seconds} --from=${from}`,
  );
  const report = await runRolling({ seed, registrations, seconds, from }, say);
  writeFileSync('chaos.json', JSON.stringify(report, null, 2));
  const sections = [
    ...rows('Registrations', report.outcomes),
    ...rows('Runs by the versions that worked on them', report.versions),
    ...rows('Responses', report.answers),
  ];
  conclude(report, sections, `Duration: ${report.seconds} s.`);
}

const { flags, numbers } = readArguments();
const cluster = flags.includes('--cluster');
const pooler = flags.includes('--pgbouncer');
// It is missed before anything is started.
if (pooler) findPgbouncer();
const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length);
if (flags.includes('--cancel-event')) await cancelledEvent(numbers);
else if (flags.includes('--rolling')) await rollingUpdate(numbers, from ?? (await lastOtherVersion()));
else await chaos(numbers);
