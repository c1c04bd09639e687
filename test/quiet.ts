/** What every test file has: no log of the SDK, and patience. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { vi } from 'vitest';

/** Test files share a process, and a process can have only one runtime. */
const shared: { runtime?: Runtime } = ((globalThis as { shared?: object }).shared ??= {});
// Tests cause hundreds of failures on purpose, and the SDK's log of them would hide what matters.
shared.runtime ??= Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});

/** On a busy machine, Vitest's default of one second is too short to wait for anything. */
const PATIENCE_MS = 20_000;
const { waitUntil, waitFor } = vi;
const patient = (options: Parameters<typeof waitFor>[1]) =>
  typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options };
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));
vi.waitFor = (callback, options) => waitFor(callback, patient(options));
