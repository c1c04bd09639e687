/**
 * `npm run bench:export -- [orders]`: measures what a download costs with a tenth of the orders and with all of them, in one run: how
 * long it takes, and how much memory the api needs beyond what it had before.
 */
import { get } from 'node:http';
import { setInterval, setTimeout as sleep } from 'node:timers/promises';
import { aSession } from './desk.ts';
import { addCrowd, TYPES } from './crowd.ts';
import { cpuMs, memoryMb, onMachine } from './measure.ts';
import { startMeasured } from './product.ts';

const FILES = ['registrations', 'money'] as const;
const SAMPLE_MS = 50;
const [TRIES, AGAIN_MS] = [20, 1000];

/** Megabytes, seconds, and seconds of processor time of the api. */
export type Exported = {
  file: (typeof FILES)[number];
  orders: number;
  lines: number;
  size: number;
  seconds: number;
  cpu: number;
  before: number;
  peak: number;
};

/** Fills a new database twice, and downloads each file after each time. `say` gets what is known so far. */
export async function measureExport(orders: number, say: (line: string) => void): Promise<Exported[]> {
  const product = await startMeasured({ workers: 0, tickets: TYPES });
  try {
    const { database, url } = product;
    const cookie = await aSession(database, url);
    const [api = 0] = product.parts().api;
    const few = Math.ceil(orders / 10);
    await addCrowd(database, few);
    await addMoney();
    // The first download loads code and fills caches, which the others find there.
    for (const file of FILES) await unlessBusy(() => download(`${url}/organizer/export/${file}.csv`, cookie));
    const measured: Exported[] = [];
    for (const count of [few, orders]) {
      if (count > few) await addCrowd(database, count - few);
      await addMoney();
      for (const file of FILES) {
        const figures = await unlessBusy(async () => {
          const [before, used, startedAt] = [memoryMb(api), cpuMs(api), performance.now()];
          const watched = watch(api);
          const got = await download(`${url}/organizer/export/${file}.csv`, cookie).catch(
            async (error: unknown) => {
              await watched.stop();
              throw error;
            },
          );
          return {
            ...{ file, orders: count, lines: got.lines, size: got.bytes / 2 ** 20, before },
            seconds: (performance.now() - startedAt) / 1000,
            cpu: (cpuMs(api) - used) / 1000,
            peak: await watched.stop(),
          };
        });
        measured.push(figures);
        say(lineOf(figures));
      }
    }
    return measured;

    /** Each payment of the crowd, with its fee, and each refund as PayPal made it. */
    async function addMoney() {
      await database.raw(`insert into captures
          (paypal_capture_id, registration_id, paypal_order_id, amount_minor, currency, captured_at, fee_minor, event_id)
        select paypal_capture_id, id, paypal_order_id, amount_minor, currency, paid_at, amount_minor * 299 / 10000 + 39, event_id
        from orders where amount_minor > 0 on conflict do nothing`);
      await database.raw(`update refunds set paypal_refund_id = 'refund-' || action, fee_minor = 0, made_at = asked_at
        where state = 'done' and paypal_refund_id is null`);
      await database.raw('vacuum analyze captures');
    }
  } finally {
    await product.stop();
  }
}

/** Notes the resident memory of a process until it is stopped, which gives the highest figure. */
function watch(pid: number) {
  const over = new AbortController();
  let peak = memoryMb(pid);
  const watching = (async () => {
    for await (const _tick of setInterval(SAMPLE_MS, undefined, { signal: over.signal }))
      peak = Math.max(peak, memoryMb(pid));
  })().catch(() => undefined);
  return {
    stop: async () => {
      over.abort();
      await watching;
      return peak;
    },
  };
}

class Busy extends Error {}

/** An api whose machine has much else to do refuses requests for a moment. Then everything is measured once more. */
async function unlessBusy<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Busy) || tries === TRIES) throw error;
      await sleep(AGAIN_MS);
    }
}

/** Reads a file without keeping it. @throws Busy for a 503; an error when it is not whole */
async function download(url: string, cookie: string): Promise<{ bytes: number; lines: number }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { cookie }, agent: false }, (answer) => {
      let [bytes, end] = [0, ''];
      answer
        .on('data', (part: Buffer) => {
          bytes += part.length;
          end = (end + part.subarray(-200).toString()).slice(-200);
        })
        .on('error', reject)
        .on('end', () => {
          const [, lines] = /# end of file: (\d+) lines,*\r\n$/.exec(end) ?? [];
          const { statusCode = 0 } = answer;
          if (statusCode === 503) reject(new Busy(`${url} is refused`));
          else if (lines === undefined) reject(new Error(`${url} is not whole: ${statusCode}`));
          else resolve({ bytes, lines: Number(lines) });
        });
    }).on('error', reject);
  });
}

const columns = (file: string, ...figures: string[]) =>
  file.padEnd(16) + figures.map((figure) => figure.padStart(11)).join('');
const lineOf = ({ file, orders, lines, size, seconds, cpu, before, peak }: Exported) =>
  columns(
    file,
    ...[orders, lines].map(String),
    ...[size, seconds, cpu, before, peak, peak - before].map((figure) => figure.toFixed(1)),
  );

if (import.meta.filename === process.argv[1]) {
  const [orders = 100_000] = process.argv.slice(2).map(Number);
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`${onMachine()}; size and memory in MB, time in seconds`);
  say(columns('', 'orders', 'lines', 'size', 'time', 'api cpu', 'before', 'peak', 'more'));
  await measureExport(orders, say);
}
