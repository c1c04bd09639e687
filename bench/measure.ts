/** What is measured, and how it is told: processor time, memory, percentiles, medians. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Ticks of the kernel's clock in a second, in which processor time is told. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The fields of /proc/<pid>/stat from the third on; the second is a name that may hold anything (proc(5)). */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Processor time in milliseconds of a process and all that it started, whether they run or have ended. Linux only. */
export function cpuMs(pid: number): number {
  const own = stat(pid)
    .slice(11, 15)
    .reduce((sum, ticks) => sum + Number(ticks), 0);
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return (own * 1000) / TICKS + children.reduce((sum, child) => sum + cpuMs(child), 0);
}

/** Resident memory in MB, as the system counts it. */
export const memoryMb = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;

/** The value that `share` (0 to 1) of all are not above. */
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

/** A figure in a line of a report: its median and, in brackets, its range. */
export const shown = ({ median: middle, min, max }: Figure, digits = 2): string =>
  `${middle.toFixed(digits).padStart(9)}   (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

/** How much a value grows with another, by least squares: what one more of `x` adds to `y`. */
export function slope(points: { x: number; y: number }[]): number {
  const mean = (pick: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
}

/** The machine, for whoever reads the figures later. */
export const machine = () => ({
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${release()}`,
  node: process.version,
  at: new Date().toISOString(),
});

/** The machine in a line of a report. */
export function onMachine(): string {
  const { cores, processor, memoryGb, system, node } = machine();
  return `${cores} cores, ${processor}, ${memoryGb} GB, ${system}, Node ${node}`;
}

/** Runs `work` for every item, `atOnce` at a time, and tells how long each took (ms). */
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
        const begun = performance.now();
        await work(item);
        times.push(performance.now() - begun);
      }
    }),
  );
  return times;
}
