/** Keeps the parts of `npm start` running, and stops them in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tail, type Report, type Running } from './process.ts';

type Part = { name: string; running: Running; startedAt: number; quickEnds: number };

const RESTART_AFTER_MS = 1000;
/** A part that ends this soon after its start, this often in a row, will not stay up by trying once more. */
const SOON_MS = 5000;
const GIVE_UP_AFTER = 3;
/** A worker finishes the attempt it is at, which may take 20 s. */
const STOP_WITHIN_MS = 25_000;

/**
 * @param report says what happens
 * @param onGivenUp called when a part cannot be kept running
 */
export function createSupervisor(report: Report, onGivenUp: (error: unknown) => void) {
  const parts: Part[] = [];
  let stopping: Promise<void> | undefined;

  function watch(part: Part, launch: () => Promise<Running>): void {
    const again = async (how: string) => {
      if (stopping) return;
      part.quickEnds = Date.now() - part.startedAt < SOON_MS ? part.quickEnds + 1 : 0;
      const { logFile } = part.running;
      if (part.quickEnds >= GIVE_UP_AFTER)
        throw new Error(`${part.name} does not stay up (${how}). The end of ${logFile}:\n${tail(logFile)}`);
      report(`${part.name} ended (${how}): starting it again`);
      await sleep(RESTART_AFTER_MS);
      // Stopping may have begun meanwhile, which is not seen by the compiler.
      if (isStopping()) return;
      part.startedAt = Date.now();
      part.running = await launch();
      watch(part, launch);
    };
    part.running.ended.then(again).catch(onGivenUp);
  }
  const isStopping = () => stopping !== undefined;

  return {
    /** Starts a part, and starts it again whenever it ends by itself; answers as soon as it runs for the first time. */
    async keep<T extends Running>(name: string, launch: () => Promise<T>): Promise<T> {
      const startedAt = Date.now();
      const running = await launch();
      const part: Part = { name, running, startedAt, quickEnds: 0 };
      parts.push(part);
      watch(part, launch);
      return running;
    },

    /** Stops all parts: first those named, one after the other, then the rest together. */
    stop(...inOrder: string[]): Promise<void> {
      stopping ??= (async () => {
        const stop = ({ running }: Part) => running.stop(STOP_WITHIN_MS);
        for (const name of inOrder) await Promise.all(parts.filter((part) => part.name === name).map(stop));
        await Promise.all(parts.filter(({ name }) => !inOrder.includes(name)).map(stop));
      })();
      return stopping;
    },

    /** Ends all parts at once, without a chance to finish anything. */
    kill(): void {
      for (const { running } of parts) running.kill();
    },
  };
}
