/** The metrics of the business, from the database: the same ones from every process, so that one of them is enough to see them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Database } from '../database/connection.ts';
import { METRICS, readSamples, type Sample } from '../database/metrics.ts';
import { JOB } from '../registrations/attention.ts';
import type { MetricsSource } from './server.ts';

/** Whoever scrapes more often gets the same numbers again. */
const FRESH_MS = 10_000;
/** A database that takes long for the numbers is asked less often: for at most this part of the time. */
const SHARE = 1 / 20;
/** Prometheus waits for 10 seconds by default, and wants the other metrics of the process whatever the database does. */
const WITHIN_MS = 3000;

/**
 * The metrics of the business. While the database cannot be read, they are missing, and `registration_business_metrics_readable` is 0.
 * One statement runs at a time, and its result, or its failure, counts for some seconds.
 * @param onError is called once, until the numbers can be read again
 */
export function businessMetrics(
  database: Database,
  onError: (error: unknown) => void,
  { freshMs = FRESH_MS, withinMs = WITHIN_MS } = {},
): MetricsSource {
  let asked: Promise<Sample[]> | undefined;
  const ask = (): Promise<Sample[]> => {
    if (asked) return asked;
    const began = performance.now();
    const forget = () =>
      setTimeout(
        () => {
          asked = undefined;
        },
        Math.max(freshMs, (performance.now() - began) / SHARE),
      ).unref();
    asked = readSamples(database, JOB);
    asked.then(forget, forget);
    return asked;
  };
  const tooSlow = async (): Promise<never> => {
    await sleep(withinMs, undefined, { ref: false });
    throw new DOMException('The database is slow', 'TimeoutError');
  };
  let isFailing = false;
  return async () => {
    try {
      const samples = await Promise.race([ask(), tooSlow()]);
      isFailing = false;
      return await shown(samples);
    } catch (error) {
      if (!isFailing) onError(error);
      isFailing = true;
      return shown(undefined);
    }
  };
}

/** The samples in Prometheus' text format; undefined when they could not be read. */
function shown(samples: Sample[] | undefined): Promise<string> {
  const registers = [new Registry()];
  new Gauge({
    name: 'registration_business_metrics_readable',
    help: 'Whether the metrics of the business could be read from the database: 1, or 0 while they are missing',
    registers,
  }).set(samples ? 1 : 0);
  for (const [name, { help, kind, labels, known }] of Object.entries(METRICS)) {
    const own = samples?.filter(({ metric }) => metric === name) ?? [];
    // Without a sample, a metric without labels would be zero, which nobody has read.
    if (!samples || (labels.length === 0 && own.length === 0)) continue;
    const options = { name, help, registers, labelNames: [...labels] };
    const metric = kind === 'counter' ? new Counter<string>(options) : new Gauge<string>(options);
    const add = (values: readonly string[], value: number) => {
      metric.inc(Object.fromEntries(labels.map((label, n) => [label, values[n] ?? ''])), value);
    };
    for (const values of known) add(values, 0);
    for (const sample of own) add(sample.labels, sample.value);
  }
  return registers[0]?.metrics() ?? Promise.resolve('');
}
