/** Keeps the parts of `npm start` running, and stops them in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tail, type Report, type Running } from './process.ts';

type Part = { name: string; running: Running; startedAt: number; quickEnds: number };

const RESTART_AFTER_MS = 1000;
/** A part that ends this soon after its start is not restarted after this many attempts in a row. */
const SOON_MS = 5000;
const GIVE_UP_AFTER = 3;
/** A worker completes its running activity attempts, which may take 20 s. */
const STOP_WITHIN_MS = 25_000;

/** The parts of a cluster are numbered. */
const kindOf = (name: string) => name.replace(/ \d+$/, '');

/**
 * @param report prints restarts
 * @param onGivenUp called when a part ends repeatedly
 */
export function createSupervisor(report: Report, onGivenUp: (error: unknown) => void) {
  const parts: Part[] = [];
  let stopping: Promise<void> | undefined;
  /** Launches in progress. A stop waits for them, or they would outlive it. */
  const launches = new Set<Promise<Running>>();

  async function track<T extends Running>(launch: () => Promise<T>): Promise<T> {
    const launched = launch();
    launches.add(launched);
    return launched.finally(() => launches.delete(launched));
  }

  function watch(part: Part, launch: () => Promise<Running>): void {
    const again = async (how: string) => {
      if (stopping) return;
      part.quickEnds = Date.now() - part.startedAt < SOON_MS ? part.quickEnds + 1 : 0;
      const { logFile } = part.running;
      if (part.quickEnds >= GIVE_UP_AFTER)
        throw new Error(
          `${part.name} ends repeatedly (${how}). The last lines of ${logFile}:\n${tail(logFile)}`,
        );
      report(`${part.name} ended (${how}): starting it again`);
      await sleep(RESTART_AFTER_MS);
      // A function, because the compiler assumes that `stopping` is still undefined after the await.
      if (isStopping()) return;
      part.startedAt = Date.now();
      try {
        part.running = await track(launch);
      } catch (error) {
        // It ended before it was ready, for example because what it needs is still down.
        await again(error instanceof Error ? error.message : 'not started');
        return;
      }
      watch(part, launch);
    };
    part.running.ended.then(again).catch(onGivenUp);
  }
  const isStopping = () => stopping !== undefined;

  return {
    /** Starts a part and restarts it whenever it ends. Resolves when the part runs for the first time. */
    async keep<T extends Running>(name: string, launch: () => Promise<T>): Promise<T> {
      const startedAt = Date.now();
      const running = await track(launch);
      const part: Part = { name, running, startedAt, quickEnds: 0 };
      parts.push(part);
      watch(part, launch);
      return running;
    },

    /** Stops the parts of the named kinds (`api` is also `api 2`) one after the other, then all others concurrently. */
    stop(...inOrder: string[]): Promise<void> {
      stopping ??= (async () => {
        const stop = ({ running }: { running: Running }) => running.stop(STOP_WITHIN_MS);
        const late = [...launches].map((launch) =>
          launch.then((running) => stop({ running })).catch(() => undefined),
        );
        for (const kind of inOrder)
          await Promise.all(parts.filter(({ name }) => kindOf(name) === kind).map(stop));
        await Promise.all([
          ...parts.filter(({ name }) => !inOrder.includes(kindOf(name))).map(stop),
          ...late,
        ]);
      })();
      return stopping;
    },

    /** Kills all parts immediately. */
    kill(): void {
      for (const { running } of parts) running.kill();
    },
  };
}
