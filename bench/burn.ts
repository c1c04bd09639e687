/**
 * `npm run bench:burn -- [registrations]`: measures how the memory of the api and the worker develops over
 * many registrations, and whether response times grow with the number of orders.
 */
import { each, memoryMb, onMachine, percentile, slope } from './measure.ts';
import { startMeasured, type Ready } from './product.ts';
import { untilDone } from './run.ts';
import { productShape } from './shapes.ts';

const [registrations = 10_000] = process.argv.slice(2).map(Number);
const CLIENTS = 10;
const PARTS = 20;
/** The share of the run that is left out of the slope, because caches are still filling. */
const SETTLED = 0.3;

const startedAt = new Date();
const product = await startMeasured();
const shape = productShape(product);
try {
  const memory = () => {
    const { api, worker } = product.parts();
    return { api: memoryMb(api[0] ?? 0), worker: memoryMb(worker[0] ?? 0) };
  };
  const answers: number[] = [];
  const everybody: Ready[] = [];
  const points: { done: number; p50: number; p99: number; api: number; worker: number }[] = [];
  process.stdout.write('registrations     p50, ms     p99, ms      api MB   worker MB\n');
  for (let part = 1; part <= PARTS; part++) {
    const people = await shape.prepare(Math.round(registrations / PARTS));
    const times = await each(people, CLIENTS, (person) => shape.register(person));
    answers.push(...times);
    everybody.push(...people);
    const point = {
      done: everybody.length,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      ...memory(),
    };
    points.push(point);
    const { done, ...figures } = point;
    const cells = Object.values(figures).map((value) => value.toFixed(0).padStart(12));
    process.stdout.write(`${String(done).padStart(13)}${cells.join('')}\n`);
  }
  await untilDone(product.client, shape, startedAt, everybody.length);
  await shape.audit(everybody);
  const late = points.slice(Math.round(PARTS * SETTLED));
  const perThousand = (of: (point: (typeof points)[number]) => number) =>
    (slope(late.map((point) => ({ x: point.done, y: of(point) }))) * 1000).toFixed(2);
  const thousand = Math.min(1000, Math.floor(answers.length / 2));
  process.stdout.write(
    [
      '',
      `${onMachine()}; ${CLIENTS} clients, ${everybody.length} registrations, each with exactly one of everything`,
      `memory growth, MB per 1,000 registrations: api ${perThousand(({ api }) => api)}, worker ${perThousand(({ worker }) => worker)}`,
      `response p50, ms: first ${thousand} ${percentile(answers.slice(0, thousand), 0.5).toFixed(0)}, last ${thousand} ${percentile(answers.slice(-thousand), 0.5).toFixed(0)}`,
      '',
    ].join('\n'),
  );
} finally {
  await product.stop();
}
