import { spawn, type ChildProcess, type SpawnOptions, type StdioOptions } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Prints one line of progress on the terminal. */
export type Report = (line: string) => void;

export type Running = {
  name: string;
  pid: number;
  /** Resolves when the process has ended, to its signal or exit code. */
  ended: Promise<string>;
  /** Whether the process has said that it is ready (`process.send('ready')`, Node processes only). */
  isReady: () => boolean;
  logFile: string;
  /** Stops the process gracefully, and kills it if it has not ended within `withinMs`. */
  stop: (withinMs?: number) => Promise<void>;
  /** Kills the process immediately. */
  kill: () => void;
};

/** What is running. It has process groups of its own, so that nothing else would end it with the process that started it. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

type Options = Pick<SpawnOptions, 'env' | 'cwd' | 'uid' | 'gid'> & {
  logFile: string;
  signal?: NodeJS.Signals;
};

/**
 * Starts a process that writes to a log file, and stores its process id next to it. The process has its own
 * process group, so that a Ctrl-C in the terminal reaches only the parent, which decides the order in which
 * processes stop.
 */
export async function start(
  name: string,
  command: string,
  args: string[],
  options: Options,
): Promise<Running> {
  const { logFile, signal = 'SIGTERM', ...rest } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  // Nobody else may read what the process writes: Temporal would make its database readable for every user.
  const umask = process.umask(0o077);
  const stdio: StdioOptions = [
    'ignore',
    'pipe',
    'pipe',
    ...(command === process.execPath ? ['ipc' as const] : []),
  ];
  const child = spawn(command, args, { ...rest, detached: true, stdio });
  process.umask(umask);
  alive.add(child);
  child.once('close', () => alive.delete(child)).once('error', () => alive.delete(child));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  let ready = false;
  child.once('message', (said) => (ready = said === 'ready'));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  writeFileSync(logFile.replace(/\.log$/, '.pid'), `${child.pid ?? ''}\n`, { mode: 0o600 });
  child.once('close', () => log.end());
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, killed) => resolve(killed ?? `exit code ${code ?? 'unknown'}`));
  });
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    isReady: () => ready,
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

/** Retries until `attempt` succeeds. Throws the last error after `withinMs`, or if the process has ended. */
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

/** Runs a command and passes each line of output to `onLine`. Rejects with the last lines on failure. */
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

/** Returns whether a process listens on a local port. */
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

/** Has a server listen, and rejects when it cannot. */
export async function listenOn(server: Server, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** Returns a free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listenOn(server, 0, '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Returns the last lines of a log, for an error message. */
export function tail(logFile: string, lines = 12): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/** Reports every few seconds that the work is still in progress. */
export async function whileWaiting<T>(report: Report, what: () => string, work: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const timer = setInterval(
    () => report(`  ${what()} (${Math.round((Date.now() - startedAt) / 1000)} s)`),
    10_000,
  );
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
