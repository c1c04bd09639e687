/**
 * `npm run bench:workers`: measures the product with one, two and four workers on this machine, in
 * alternating runs. Where all cores are busy, more workers are not faster; the CPU time per registration then
 * shows what another machine would add.
 */
import { figure, onMachine, shown } from './measure.ts';
import { startMeasured } from './product.ts';
import { measureRun, type Run } from './run.ts';
import { productShape } from './shapes.ts';

const SIZES = [1, 2, 4];
const [rounds = 3, registrations = 400] = process.argv.slice(2).map(Number);
const CLIENTS = 50;

const runs = new Map<number, Run[]>(SIZES.map((size) => [size, []]));
for (let round = 1; round <= rounds; round++)
  for (const workers of round % 2 ? SIZES : SIZES.toReversed()) {
    const product = await startMeasured({ workers });
    try {
      const shape = productShape(product);
      await measureRun(product.client, shape, { registrations: 300 * workers, clients: CLIENTS });
      const run = await measureRun(product.client, shape, { registrations, clients: CLIENTS });
      runs.get(workers)?.push(run);
      process.stdout.write(`round ${round}, ${workers} workers: ${run.perSecond.toFixed(1)}/s\n`);
    } finally {
      await product.stop();
    }
  }

const column = (made: Run[], of: (run: Run) => number) => shown(figure(made.map(of)), 1).padEnd(33);
const rows = [...runs].map(([workers, made]) =>
  [
    String(workers).padStart(7),
    column(made, ({ perSecond }) => perSecond),
    column(made, ({ answer }) => answer.p50),
    column(made, ({ cpu }) => cpu.worker ?? 0),
  ].join(''),
);
process.stdout.write(
  `\n${onMachine()}; ${CLIENTS} clients, ${rounds} rounds\n\nworkers${['registrations/s', 'response p50, ms', 'CPU ms of the workers'].map((title) => `  ${title}`.padEnd(33)).join('')}\n${rows.join('\n')}\n`,
);
