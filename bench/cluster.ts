/**
 * `npm run bench:cluster -- [clients] [registrations] [rounds]`: measures the product on a real Temporal cluster on this machine, with one
 * and two of Temporal's servers, one, two and four workers, one and two apis, and with other settings of the task queues. It needs Linux.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DYNAMIC_CONFIG_SECONDS, SHARDS } from '../sandbox/servers/cluster.ts';
import { emptyFolder } from '../stage/world.ts';
import { dynamicConfigOf, MOST, orderOf, SETUPS, table, type Setup } from './cluster-setups.ts';
import { startMeasured, type Product } from './product.ts';
import { measureRun, type Run } from './run.ts';
import { productShape } from './shapes.ts';

const [clients = 10, registrations = 240, rounds = 2] = process.argv.slice(2).map(Number);
/** Registrations for each new worker before anything is measured, while its code is compiled. */
const WARM_UP = 120;
const startedAt = Date.now();
const say = (line: string) =>
  void process.stdout.write(
    `${String(Math.round((Date.now() - startedAt) / 1000)).padStart(5)} s  ${line}\n`,
  );

const folder = emptyFolder('registration-bench-cluster');
const dynamicConfig = join(folder, 'dynamic-config.yaml');
let configured = '';
/** Returns whether Temporal's servers have to read it again. */
function configure(setup: Setup): boolean {
  const config = dynamicConfigOf(setup);
  if (config === configured) return false;
  writeFileSync(dynamicConfig, config);
  configured = config;
  return true;
}

/** Has as many processes as a setup says. Workers and apis are new ones, so that those of each setup have done as much before. */
async function arrange(product: Product, setup: Setup): Promise<void> {
  const names = (kind: string, first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, n) => `${kind} ${first + n}`);
  const retire = (all: string[]) => Promise.all(all.map((name) => product.retire(name)));
  await retire([...names('api', 1, MOST.apis), ...names('worker', 1, MOST.workers)]);
  if (configure(setup)) await sleep((DYNAMIC_CONFIG_SECONDS + 1) * 1000);
  await retire(names('Temporal', setup.servers + 1, MOST.servers));
  await product.revive(names('Temporal', 1, setup.servers));
  const workers = names('worker', 1, setup.workers);
  await product.revive([...workers, ...names('api', 1, setup.apis)]);
  while (!workers.every((name) => product.isReady(name))) await sleep(100);
  while (!(await answers(product).catch(() => false))) await sleep(500);
}

/** Whether people are registered. They are not while a server takes over what another one had. */
async function answers(product: Product): Promise<boolean> {
  const statuses = (await product.prepare(SHARDS)).map((person) => product.register(person));
  return (await Promise.all(statuses)).every((status) => status === 201);
}

// Each part has a process group of its own, so that Ctrl-C reaches this process only. They end with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

const [base] = SETUPS;
if (base) configure(base);
say('Starting a cluster');
const product = await startMeasured({
  workers: MOST.workers,
  cluster: { servers: MOST.servers, apis: MOST.apis, dynamicConfig },
});
try {
  const shape = productShape(product);
  const runs = new Map<string, Run[]>(SETUPS.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++)
    for (const setup of orderOf(round)) {
      await arrange(product, setup);
      await measureRun(product.client, shape, { registrations: WARM_UP * setup.workers, clients });
      const run = await measureRun(product.client, shape, { registrations, clients });
      runs.get(setup.name)?.push(run);
      say(`round ${round}, ${setup.name}: ${run.perSecond.toFixed(1)}/s`);
    }
  process.stdout.write(`\n${table(runs, { clients, registrations })}\n`);
} finally {
  await product.stop();
}
