import { spawn, type SpawnOptions } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Tells the person at the terminal what is going on, a line at a time. */
export type Report = (line: string) => void;

export type Running = {
  name: string;
  pid: number;
  /** Resolves when the process has ended, to a word for how. */
  ended: Promise<string>;
  logFile: string;
  /** Asks it to stop, and makes it stop when it has not within `withinMs`. */
  stop: (withinMs?: number) => Promise<void>;
  /** Ends it at once. */
  kill: () => void;
};

type Options = Pick<SpawnOptions, 'env' | 'cwd' | 'uid' | 'gid'> & {
  logFile: string;
  signal?: NodeJS.Signals;
};

/**
 * Starts a process that writes to a log file, and notes its process id beside it. It gets a process group of its own: a Ctrl-C in the terminal reaches only
 * who started it, and they decide the order in which things stop.
 */
export async function start(
  name: string,
  command: string,
  args: string[],
  options: Options,
): Promise<Running> {
  const { logFile, signal = 'SIGTERM', ...rest } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(command, args, { ...rest, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  writeFileSync(logFile.replace(/\.log$/, '.pid'), `${child.pid ?? ''}\n`);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, killed) => resolve(killed ?? `exit code ${code ?? 'unknown'}`));
  });
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    logFile,
    kill: () => child.kill('SIGKILL'),
    async stop(withinMs = 10_000) {
      child.kill(signal);
      const stopped = await Promise.race([ended.then(() => true), sleep(withinMs, false, { ref: false })]);
      if (!stopped) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Tries until it works. Gives up with the last error after `withinMs`, or at once when the process behind it has ended. */
export async function until<T>(
  attempt: () => T | Promise<T>,
  running: Running,
  withinMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let over: string | undefined;
  running.ended.then(
    (how) => (over = how),
    () => undefined,
  );
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (over !== undefined) throw new Error(`${running.name} ended (${over})`, { cause: error });
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/** Runs a command to its end and hands each line it writes to `onLine`. Rejects when it fails, with its last lines. */
export async function run(
  command: string,
  args: string[],
  options: SpawnOptions = {},
  onLine: Report = () => undefined,
): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] as const });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter(Boolean)) {
        onLine(line);
        last.push(line);
        if (last.length > 5) last.shift();
      }
    });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} failed: ${last.join(' | ')}`)),
    );
  });
}

/** Whether something listens on a port of this machine. */
export async function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (taken: boolean) => () => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The last lines of a log, for the person who has to find out what went wrong. */
export function tail(logFile: string, lines = 12): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/** Says that something is still going on, every few seconds, until it is done. */
export async function whileWaiting<T>(report: Report, what: () => string, work: Promise<T>): Promise<T> {
  const begun = Date.now();
  const timer = setInterval(
    () => report(`  ${what()} (${Math.round((Date.now() - begun) / 1000)} s)`),
    10_000,
  );
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
