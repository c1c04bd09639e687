/**
 * `npm run bench:watching -- [rounds] [registrations]`: the processor time that api and worker take for a registration while nobody watches,
 * with metrics that are read every five seconds, and with traces of a tenth of all requests. Each is a product of its own; they are
 * measured one after the other, and compared within each round. A second product that nobody watches shows what chance makes of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../sandbox/servers/process.ts';
import { startCollector } from '../stage/collector.ts';
import { each, figure, onMachine, shown } from './measure.ts';
import { startMeasured, type Product } from './product.ts';
import { untilDone } from './run.ts';
import { productShape } from './shapes.ts';

const [rounds = 5, registrations = 600] = process.argv.slice(2).map(Number);
const CLIENTS = 10;
/** The first thousand registrations are slower because the code is still being compiled. */
const WARM_UP = 2 * registrations;
const SCRAPE_EVERY_MS = 5000;
/** A batch of spans is sent every five seconds. */
const SETTLED_MS = 6000;
const SAMPLED = 0.1;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const ports: Record<string, number> = { api: await freePort(), 'worker-1': await freePort() };
const collector = await startCollector();
const WATCHED = {
  nobody: {},
  'nobody again': {},
  metrics: { settingsOf: (name: string) => ({ METRICS_PORT: String(ports[name]) }) },
  traces: {
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: String(SAMPLED),
    },
  },
};
type Watched = keyof typeof WATCHED;
const names = Object.keys(WATCHED) as Watched[];

let scrapes = 0;
async function scrape(): Promise<void> {
  for (const port of Object.values(ports)) {
    const { ok } = await fetch(`http://127.0.0.1:${port}/metrics`);
    if (!ok) throw new Error('The metrics were not served');
    scrapes++;
  }
}

type Spent = { api: number; worker: number };
const both = ({ api, worker }: Spent) => api + worker;

/** @returns the processor time (ms) for one registration */
async function measure(product: Product, isScraped: boolean, count: number): Promise<Spent> {
  const shape = productShape(product);
  const people = await shape.prepare(count);
  await sleep(SETTLED_MS);
  const scraping = isScraped && setInterval(() => void scrape().catch(fail), SCRAPE_EVERY_MS);
  const [before, startedAt] = [shape.cpu(), new Date()];
  await each(people, CLIENTS, (person) => shape.register(person));
  await untilDone(product.client, shape, startedAt, count);
  await sleep(SETTLED_MS);
  const after = shape.cpu();
  if (scraping) clearInterval(scraping);
  await shape.audit(people);
  const spent = (part: string) => ((after[part] ?? 0) - (before[part] ?? 0)) / count;
  return { api: spent('api'), worker: spent('worker') };
}
const fail = (error: unknown) => {
  console.error(error);
  process.exitCode = 1;
};

const products = new Map<Watched, Product>();
try {
  for (const name of names) products.set(name, await startMeasured(WATCHED[name]));
  for (const [name, product] of products) await measure(product, name === 'metrics', WARM_UP);

  const made: Record<Watched, Spent>[] = [];
  for (let round = 1; round <= rounds; round++) {
    // The order changes, so that a machine that slows down or speeds up favors none.
    const order = names.map((_, n) => names[(n + round) % names.length] ?? 'nobody');
    const spent: Partial<Record<Watched, Spent>> = {};
    for (const name of round % 2 ? order : order.toReversed()) {
      const product = products.get(name);
      if (!product) continue;
      const { api, worker } = (spent[name] = await measure(product, name === 'metrics', registrations));
      say(`round ${round}, ${name}: api ${api.toFixed(1)} ms, worker ${worker.toFixed(1)} ms`);
    }
    made.push(spent as Record<Watched, Spent>);
  }
  const traces = new Set(
    collector.spans.filter(({ name }) => name === 'RunWorkflow:registration').map(({ trace }) => trace),
  );
  if (traces.size === 0 || scrapes === 0) throw new Error('Nobody has watched');

  const cost = (name: Watched) =>
    shown(figure(made.map((spent) => 100 * (both(spent[name]) / both(spent.nobody) - 1))), 1);
  say(
    [
      `\n${onMachine()}; ${CLIENTS} clients, ${rounds} rounds of ${registrations} registrations`,
      '\nprocessor time of api and worker for a registration, ms',
      ...names.map((name) => name.padEnd(40) + shown(figure(made.map((spent) => both(spent[name]))), 1)),
      '\nmore than with nobody, %                  target',
      `nobody again                                  ${cost('nobody again')}`,
      `metrics, read every 5 s                   ≤ 2  ${cost('metrics')}`,
      `traces of 10 % of all requests            ≤ 5  ${cost('traces')}`,
      `\n${scrapes} times metrics were read; ${traces.size} of ${WARM_UP + rounds * registrations} registrations were traced to their end`,
    ].join('\n'),
  );
} finally {
  for (const product of products.values()) await product.stop();
  await collector.close();
}
