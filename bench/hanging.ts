/**
 * `npm run bench:hanging`: how long 50 clients at a time wait for the answer to their payment, first while all vendors answer, and then
 * while SendGrid hangs, so that the attempts to send emails pile up in the worker.
 */
import { each, onMachine, percentile } from './measure.ts';
import { startMeasured } from './product.ts';

const [CLIENTS, REGISTRATIONS] = [50, 600];
const say = (line: string) => void process.stdout.write(`${line}\n`);

const product = await startMeasured();
try {
  const measure = async (title: string) => {
    const people = await product.prepare(REGISTRATIONS);
    const statuses: number[] = [];
    const times = await each(people, CLIENTS, async (person) => {
      statuses.push(await product.register(person));
    });
    const unknown = statuses.filter((status) => status !== 201).length;
    say(
      `${title.padEnd(26)}answer p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms; ` +
        `${unknown} of ${REGISTRATIONS} were not told "registered"`,
    );
  };
  say(`${onMachine()}; ${CLIENTS} clients`);
  await measure('to warm up');
  await measure('all vendors answer');
  await product.hangMails();
  await measure('SendGrid hangs');
} finally {
  await product.stop();
}
