/**
 * `npm run bench`: compares the product with a bare workflow on the same Temporal server, in alternating
 * runs. It prints a report and writes it to bench.json.
 */
import { writeFileSync } from 'node:fs';
import { figure, machine, median, onMachine, shown, type Figure } from './measure.ts';
import { startMeasured } from './product.ts';
import { measureRun, type Run } from './run.ts';
import { productShape, startBare, type Shape } from './shapes.ts';
import { countStatements } from './statements.ts';

/** The number of concurrent clients, and of registrations that they make in one run. */
export type Load = { clients: number; registrations: number };
const LOADS: Load[] = [
  { clients: 1, registrations: 60 },
  { clients: 10, registrations: 200 },
  { clients: 50, registrations: 600 },
];
/** The first thousand registrations are slower because the code is still being compiled. */
const WARM_UP = { clients: 50, registrations: 1500 };
/** The number of registrations over which database statements are counted. */
const COUNTED = 500;

export type Options = { rounds: number; loads: Load[]; warmUp: Load };
export const usual = (rounds: number): Options => ({ rounds, loads: LOADS, warmUp: WARM_UP });

/** Runs by load and shape, in order: the nth run of one shape directly follows the nth run of the other. */
type Runs = { load: Load; product: Run[]; bare: Run[] };
export type Report = Awaited<ReturnType<typeof compare>>;

export async function compare({ rounds, loads, warmUp }: Options, say: (line: string) => void) {
  const product = await startMeasured();
  const bare = await startBare(product);
  try {
    const shapes: { product: Shape; bare: Shape } = { product: productShape(product), bare };
    const run = (shape: Shape, load: Load) => measureRun(product.client, shape, load);
    for (const shape of Object.values(shapes)) await run(shape, warmUp);

    const all: Runs[] = loads.map((load) => ({ load, product: [], bare: [] }));
    for (let round = 1; round <= rounds; round++)
      for (const { load, ...runs } of all) {
        // The order alternates, so that a machine that slows down or speeds up favors neither.
        const order = round % 2 ? (['product', 'bare'] as const) : (['bare', 'product'] as const);
        for (const name of order) {
          const made = await run(shapes[name], load);
          runs[name].push(made);
          say(
            `round ${round}, ${load.clients} clients, ${name}: ${made.perSecond.toFixed(1)}/s, ` +
              `response ${made.answer.p50.toFixed(0)} ms, ${made.seconds.toFixed(1)} s`,
          );
        }
      }
    const database = await countStatements(product, Math.min(COUNTED, warmUp.registrations));
    return { machine: machine(), rounds, runs: all, database, ...conclude(all) };
  } finally {
    await bare.stop();
    await product.stop();
  }
}

const sum = (parts: Record<string, number>, ...names: string[]) =>
  names.reduce((total, name) => total + (parts[name] ?? 0), 0);
const everything = (cpu: Record<string, number>) => sum(cpu, ...Object.keys(cpu));

/** The ratios that the targets apply to, each computed from two consecutive runs. */
function conclude(all: Runs[]) {
  const cores = machine().cores;
  const [least] = all;
  const most = all.at(-1);
  if (!least || !most) throw new Error('Nothing was measured');
  const ratios = ({ product, bare }: Runs, of: (product: Run, bare: Run) => number): Figure =>
    figure(product.flatMap((run, n) => (bare[n] ? [of(run, bare[n])] : [])));
  const last = most.product.at(-1);
  return {
    ratios: {
      rate: ratios(most, (a, b) => a.perSecond / b.perSecond),
      // The sandbox does the vendors' work, so its CPU time is subtracted from the product's.
      rateWithoutSandbox: ratios(most, (a, b) => {
        const seconds = 1 / a.perSecond - sum(a.cpu, 'sandbox') / 1000 / cores;
        return 1 / seconds / b.perSecond;
      }),
      answer: ratios(least, (a, b) => a.answer.p50 / b.answer.p50),
      cpu: ratios(most, (a, b) => sum(a.cpu, 'api', 'worker') / sum(b.cpu, 'api', 'worker')),
    },
    absolute: {
      perSecond: figure(most.product.map(({ perSecond }) => perSecond)),
      cpu: figure(most.product.map(({ cpu }) => everything(cpu))),
      events: last?.events,
      workflowTasks: last?.workflowTasks,
      historyBytes: last?.historyBytes,
    },
  };
}

/** The report as text: medians of all rounds, and the ratios with their ranges. */
export function table({ rounds, runs, ratios, absolute, database }: Report): string {
  const columns = runs.flatMap(({ load, product, bare }) => [
    { title: `product ${load.clients}`, runs: product },
    { title: `bare ${load.clients}`, runs: bare },
  ]);
  const row = (title: string, of: (run: Run) => number | undefined, digits = 1) =>
    title.padEnd(34) +
    columns
      .map(({ runs: made }) => {
        const values = made.map(of).filter((value) => value !== undefined);
        return values.length === 0 ? '–'.padStart(12) : median(values).toFixed(digits).padStart(12);
      })
      .join('');
  const parts = [
    ...new Set(columns.flatMap(({ runs: made }) => made.flatMap(({ cpu }) => Object.keys(cpu)))),
  ];
  return [
    `${onMachine()}; medians of ${rounds} rounds`,
    '',
    'clients'.padEnd(34) + columns.map(({ title }) => title.padStart(12)).join(''),
    row('registrations/s', (run) => run.perSecond),
    row('response p50, ms', (run) => run.answer.p50),
    row('response p99, ms', (run) => run.answer.p99),
    row('all steps done p50, ms', (run) => run.done.p50),
    row('all steps done p99, ms', (run) => run.done.p99),
    ...parts.map((part) => row(`CPU ms: ${part}`, (run) => run.cpu[part])),
    row('history events', (run) => run.events, 0),
    row('workflow tasks', (run) => run.workflowTasks, 0),
    row('history bytes', (run) => run.historyBytes, 0),
    '',
    'product / bare                          target',
    `registrations/s                         ≥ 0.70  ${shown(ratios.rate)}`,
    `registrations/s without the sandbox     ≥ 0.85  ${shown(ratios.rateWithoutSandbox)}`,
    `response p50 at one client              ≤ 1.30  ${shown(ratios.answer)}`,
    `CPU time of api and worker              ≤ 1.50  ${shown(ratios.cpu)}`,
    '',
    `product, ${runs.at(-1)?.load.clients ?? 0} clients`,
    `registrations/s                         ≥ 31.6  ${shown(absolute.perSecond, 1)}`,
    `CPU ms, all processes                   ≤ 61.5  ${shown(absolute.cpu, 1)}`,
    '',
    `PostgreSQL, per registration: ${database.holding.statements.toFixed(1)} statements to hold a seat and ${database.registering.statements.toFixed(1)} to register, ` +
      `${(database.holding.walBytes / 1024).toFixed(1)} and ${(database.registering.walBytes / 1024).toFixed(1)} kB of its write-ahead log`,
  ].join('\n');
}

if (import.meta.filename === process.argv[1]) {
  const [rounds = 5] = process.argv.slice(2).map(Number);
  const report = await compare(usual(rounds), (line) => process.stdout.write(`${line}\n`));
  writeFileSync('bench.json', JSON.stringify(report, null, 2));
  process.stdout.write(`\n${table(report)}\n`);
}
