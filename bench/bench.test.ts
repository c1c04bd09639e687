/** Checks that a short `npm run bench` measures everything and loses or duplicates nothing. */
import { expect, it } from 'vitest';
import { orderOf, SETUPS, table as clusterTable, type Setup } from './cluster-setups.ts';
import { compare, table } from './compare.ts';
import { measureDesk } from './desk.ts';
import { measureExport } from './export.ts';
import { cpuMs, each, figure, percentile, slope } from './measure.ts';

/** Statements for a page of organizers that is not the list; each includes the one that reads the session. */
const STATEMENTS: Record<string, number> = { 'the dashboard': 8, 'one registration': 9 };

it('measures the product and the bare workflow side by side', { timeout: 180_000 }, async () => {
  const said: string[] = [];
  const few = { clients: 2, registrations: 4 };
  const report = await compare(
    { rounds: 1, loads: [{ clients: 1, registrations: 2 }, few], warmUp: few },
    (line) => said.push(line),
  );
  expect(said).toHaveLength(4);
  for (const { product, bare } of report.runs)
    for (const run of [...product, ...bare]) {
      expect(run.perSecond).toBeGreaterThan(0);
      expect(run.answer.p99).toBeGreaterThanOrEqual(run.answer.p50);
      expect(run.cpu.Temporal).toBeGreaterThan(0);
      // Four activities without retries. On a busy machine each may end in a workflow task of its own, which is three more events.
      expect(run.events).toBeGreaterThanOrEqual(22);
      expect(run.events).toBeLessThanOrEqual(35);
    }
  const [one] = report.runs.flatMap(({ product }) => product);
  expect(one?.historyBytes).toBeLessThanOrEqual(8000);
  expect(report.database.registering.statements).toBeGreaterThanOrEqual(3);
  expect(report.ratios.cpu.median).toBeGreaterThan(1);
  expect(table(report)).not.toMatch(/NaN|undefined|Infinity/);
});

it('measures and explains each kind of page of organizers', { timeout: 180_000 }, async () => {
  const { measured, explained } = await measureDesk(
    { orders: 1000, warmUp: 1, requests: 2 },
    () => undefined,
  );
  expect(measured.length).toBe(2 * Object.keys(explained).length);
  for (const { p50, p99 } of measured) expect([p50 > 0, p99 >= p50]).toEqual([true, true]);
  for (const [kind, statements] of Object.entries(explained)) {
    expect([kind, statements.length]).toEqual([kind, STATEMENTS[kind] ?? 3]);
    for (const { plan } of statements) expect(plan).toContain('Execution Time');
  }
});

it('measures whole files of organizers, of a tenth and of all orders', { timeout: 180_000 }, async () => {
  const measured = await measureExport(1000, () => undefined);
  const registrations = measured.filter(({ file }) => file === 'registrations');
  expect(registrations.map(({ orders, lines }) => [orders, lines])).toEqual([
    [100, 100],
    [1000, 1000],
  ]);
  expect(measured).toHaveLength(4);
  for (const { before, peak, seconds, size } of measured)
    expect([before > 0, peak > 0, seconds > 0, size > 0]).toEqual([true, true, true, true]);
});

it('compares each setup of a cluster with the base of the same round', () => {
  const cpu = { api: 1, worker: 20, Temporal: 30, PostgreSQL: 4, sandbox: 2, 'load generator': 100 };
  const rest = {
    seconds: 1,
    done: { p50: 1, p99: 1 },
    cpu,
    events: 26,
    workflowTasks: 3,
    historyBytes: 7000,
  };
  const run = (perSecond: number) => ({ ...rest, perSecond, answer: { p50: 1000, p99: 2000 } });
  const runs = new Map([
    ['base', [run(20), run(30)]],
    ['2 workers', [run(22), run(27)]],
  ]);
  const lines = clusterTable(runs, { clients: 50, registrations: 240 }).split('\n');
  expect(lines[0]).toContain('50 clients, 2 rounds of 240 registrations');
  expect(lines.slice(-2)).toEqual([
    '| base | 25.0 (20.0 to 30.0) |  | 1000 | 2000 | 1.0 | 20.0 | 30.0 | 4.0 | 2.0 | 57.0 |',
    '| 2 workers | 24.5 (22.0 to 27.0) | 1.00 (0.90 to 1.10) | 1000 | 2000 | 1.0 | 20.0 | 30.0 | 4.0 | 2.0 | 57.0 |',
  ]);
  expect(orderOf(1)).toEqual([...SETUPS]);
  expect(orderOf(2)).toEqual(SETUPS.toReversed());
  // Each differs from the base in one thing, and the last one in all.
  const changes = SETUPS.map(({ name: _name, ...setup }) => {
    const [{ name: _base, ...base }] = SETUPS as [Setup];
    return Object.entries(setup).filter(([what, value]) => base[what as keyof typeof base] !== value).length;
  });
  expect(changes).toEqual([0, 1, 1, 1, 1, 1, 1, 3]);
});

it('computes statistics correctly', async () => {
  expect([percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.99), percentile([7], 0.01)]).toEqual([
    2, 4, 7,
  ]);
  expect(figure([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  const line = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x }));
  expect(slope(line)).toBeCloseTo(2);

  const used = () => process.cpuUsage().user / 1000;
  const [before, start] = [cpuMs(process.pid), used()];
  // Waits for CPU time rather than elapsed time, because a busy machine may grant it slowly.
  while (used() - start < 300);
  expect(cpuMs(process.pid) - before).toBeGreaterThanOrEqual(250);

  let open = 0;
  let most = 0;
  const times = await each([1, 2, 3, 4, 5], 2, async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 5));
    open--;
  });
  expect([times.length, most]).toEqual([5, 2]);
});
