/** Measures CPU time and memory, and computes and formats statistics. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Clock ticks per second, the unit in which the kernel reports CPU time. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The fields of /proc/<pid>/stat after the second, a name with arbitrary characters (proc(5)). */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** The CPU time (ms) of a process and all of its children, whether running or ended. Linux only. */
export function cpuMs(pid: number): number {
  // Before its own time, which has that of a child from the moment when the child has ended.
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  const ofChildren = children.reduce((sum, child) => sum + ofChild(child), 0);
  const own = stat(pid)
    .slice(11, 15)
    .reduce((sum, ticks) => sum + Number(ticks), 0);
  return (own * 1000) / TICKS + ofChildren;
}

/** PostgreSQL has a child for each connection, and some have ended since they were listed. */
function ofChild(pid: number): number {
  try {
    return cpuMs(pid);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(String((error as NodeJS.ErrnoException).code))) return 0;
    throw error;
  }
}

/** Resident memory in MB, as `ps` reports it. */
export const memoryMb = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;

/** The smallest value that a `share` (0 to 1) of all values does not exceed. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
export const median = (values: number[]): number => {
  const half = Math.floor(values.length / 2);
  const sorted = values.toSorted((a, b) => a - b);
  return values.length % 2 ? (sorted[half] ?? NaN) : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
};

/** A figure that was measured several times. */
export type Figure = { median: number; min: number; max: number };
export const figure = (values: number[]): Figure => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Formats a figure for a report: its median, and its range in parentheses. */
export const shown = ({ median: middle, min, max }: Figure, digits = 2): string =>
  `${middle.toFixed(digits).padStart(9)}   (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

/** The slope of a least-squares fit: how much `y` grows per unit of `x`. */
export function slope(points: { x: number; y: number }[]): number {
  const mean = (pick: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
}

/** The machine, recorded with the figures so that they can be interpreted later. */
export const machine = () => ({
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${release()}`,
  node: process.version,
  at: new Date().toISOString(),
});

/** Describes the machine in one line of a report. */
export function onMachine(): string {
  const { cores, processor, memoryGb, system, node } = machine();
  return `${cores} cores, ${processor}, ${memoryGb} GB, ${system}, Node ${node}`;
}

/** Runs `work` for every item, `atOnce` at a time, and returns how long each took (ms). */
export async function each<T>(
  items: T[],
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<number[]> {
  const queue = items.values();
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of queue) {
        const startedAt = performance.now();
        await work(item);
        times.push(performance.now() - startedAt);
      }
    }),
  );
  return times;
}
