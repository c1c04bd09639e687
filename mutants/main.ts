/**
 * Puts each known fault into a copy of the project, and checks that its tests fail: `npm run mutants -- [part of a name]`.
 * docs/mutants.md says what for.
 */
import { startServers } from '../test/servers.ts';
import { makeCopy } from './copy.ts';
import { FAULTS } from './faults/index.ts';

/** How many faults are tried at the same time, each in a copy of its own. */
const COPIES = 2;
const [wanted = ''] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const faults = FAULTS.filter(({ name }) => name.includes(wanted));
if (faults.length === 0) throw new Error(`No fault has "${wanted}" in its name`);
const startedAt = Date.now();
const seconds = (since: number) => `${Math.round((Date.now() - since) / 1000)} s`;
const { addresses, stop } = await startServers(say);
const copies = Array.from({ length: COPIES }, () => makeCopy(addresses));
const survived: string[] = [];
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stopping.abort();
    for (const copy of copies) copy.end();
  });

try {
  say(`${faults.length} faults. Before them, their tests run without a fault.`);
  const [first] = copies;
  const files = [...new Set(faults.flatMap(({ caughtBy }) => Object.keys(caughtBy)))];
  let baseline = await first?.test(files, '', 0);
  // A test that fails by chance on a busy machine gets a second try.
  if (baseline?.failed.length !== 0) baseline = await first?.test(files, '', 0);
  if (baseline?.failed.length !== 0)
    throw new Error(`These tests fail without a fault:\n${baseline?.failed.join('\n') ?? 'all'}`);
  say(`${baseline.passed} tests in ${files.length} files pass (${seconds(startedAt)})`);

  const left = faults.values();
  await Promise.all(
    copies.map(async (copy) => {
      for (const fault of left) {
        const since = Date.now();
        const results = await copy.tryOut(fault);
        if (stopping.signal.aborted) return;
        const caught = results.every((result) => result && result.failed.length > 0);
        if (!caught) survived.push(fault.name);
        const by = results.map((result) => (result ? (result.failed[0] ?? 'nothing') : 'no test was run'));
        say(`${caught ? 'caught  ' : 'SURVIVED'}  ${fault.name} (${seconds(since)})`);
        say(`            by: ${by.join('; ')}`);
      }
    }),
  );
} finally {
  for (const copy of copies) copy.remove();
  await stop();
}

const { aborted } = stopping.signal;
const caught = faults.length - survived.length;
say(aborted ? 'Stopped.' : `\n${caught} of ${faults.length} faults were caught in ${seconds(startedAt)}.`);
for (const name of survived) say(`survived: ${name}`);
process.exitCode = aborted || survived.length > 0 ? 1 : 0;
