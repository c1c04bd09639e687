/** What `npm run bench:cluster` compares, and its report. */
import { figure, median, onMachine, type Figure } from './measure.ts';
import type { Run } from './run.ts';

/** How many processes of each kind there are, and how Temporal's servers are set up. */
export type Setup = {
  name: string;
  servers: number;
  workers: number;
  apis: number;
  /** Partitions of each task queue. */
  partitions: number;
  /** Whether an activity may come with the workflow task that schedules it. */
  eager: boolean;
};

/** One of each, set up as deployed (deploy/temporal/dynamic-config.yaml); Temporal's own default is four partitions. */
const BASE = { servers: 1, workers: 1, apis: 1, partitions: 4, eager: true };
export const MOST = { servers: 2, workers: 4, apis: 2 };
/** The base, one change of it at a time, and everything at its most. Neighbours differ in little, because each difference is a restart. */
export const SETUPS: readonly Setup[] = [
  { name: 'base', ...BASE },
  { name: 'one partition', ...BASE, partitions: 1 },
  { name: 'no eager activities', ...BASE, eager: false },
  { name: '2 workers', ...BASE, workers: 2 },
  { name: '4 workers', ...BASE, workers: 4 },
  { name: '2 apis', ...BASE, apis: 2 },
  { name: '2 servers', ...BASE, servers: 2 },
  { name: '2 servers, 4 workers, 2 apis', ...BASE, ...MOST },
];

/** The order of a round. Every other one is reversed, so that a machine that slows down favors no setup. */
export const orderOf = (round: number): Setup[] => (round % 2 ? [...SETUPS] : SETUPS.toReversed());

/** The dynamic configuration of Temporal's servers for a setup. JSON is YAML, too. */
export const dynamicConfigOf = ({ partitions, eager }: Setup): string =>
  JSON.stringify({
    'matching.enableFairness': [{ value: true }],
    'system.enableActivityEagerExecution': [{ value: eager }],
    'matching.numTaskqueueReadPartitions': [{ value: partitions }],
    'matching.numTaskqueueWritePartitions': [{ value: partitions }],
  });

const ranged = ({ median: middle, min, max }: Figure, digits: number) =>
  `${middle.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
const PARTS = ['api', 'worker', 'Temporal', 'PostgreSQL', 'sandbox'];
const all = ({ cpu }: Run) => PARTS.reduce((sum, part) => sum + (cpu[part] ?? 0), 0);

/**
 * The report as a table of Markdown: medians, and in parentheses ranges. The nth run of a setup is compared with the nth of the base, which
 * was made in the same round. Processor time is in milliseconds per registration.
 */
export function table(
  runs: ReadonlyMap<string, Run[]>,
  { clients, registrations }: { clients: number; registrations: number },
): string {
  const base = runs.get('base') ?? [];
  const titles = ['setup', 'registrations/s', 'to the base', 'answer p50, ms', 'p99, ms', ...PARTS, 'all'];
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const rows = [...runs].map(([name, made]) => {
    const ratios = made.flatMap((run, n) => (base[n] ? [run.perSecond / base[n].perSecond] : []));
    const middle = (of: (run: Run) => number, digits = 1) => median(made.map(of)).toFixed(digits);
    return row([
      name,
      ranged(figure(made.map(({ perSecond }) => perSecond)), 1),
      name === 'base' ? '' : ranged(figure(ratios), 2),
      middle(({ answer }) => answer.p50, 0),
      middle(({ answer }) => answer.p99, 0),
      ...PARTS.map((part) => middle(({ cpu }) => cpu[part] ?? 0)),
      middle(all),
    ]);
  });
  return [
    `${onMachine()}; ${clients} clients, ${base.length} rounds of ${registrations} registrations. Processor ms per registration, by part;`,
    `PostgreSQL's are for Temporal's servers, too.`,
    '',
    row(titles),
    `|---|${titles
      .slice(1)
      .map(() => '---:|')
      .join('')}`,
    ...rows,
  ].join('\n');
}
