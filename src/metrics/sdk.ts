/** The metrics of Temporal's SDK, such as the time that tasks wait for a worker. Its native part serves them by itself. */
import { createServer, type AddressInfo } from 'node:net';
import type { TelemetryOptions } from '@temporalio/worker';
import type { MetricsSource } from './server.ts';

const READ_WITHIN_MS = 2000;

/** Chooses a port of the loopback interface for the SDK's own server, from where they are read. */
export async function sdkMetrics(): Promise<{
  options: NonNullable<TelemetryOptions['metrics']>;
  source: MetricsSource;
}> {
  const bindAddress = `127.0.0.1:${await freePort()}`;
  return {
    options: {
      // Names as Prometheus recommends them: with the unit, which is the second, and `_total`.
      prometheus: { bindAddress, useSecondsForDurations: true, unitSuffix: true, countersTotalSuffix: true },
    },
    source: async () => {
      const signal = AbortSignal.timeout(READ_WITHIN_MS);
      const response = await fetch(`http://${bindAddress}/metrics`, { signal });
      if (!response.ok) throw new Error("The SDK's server has no metrics");
      return response.text();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
