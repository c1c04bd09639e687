/** Traces, where the settings ask for them. Without, nothing of OpenTelemetry is loaded. */
import type { InjectedSinks } from '@temporalio/worker';
import type { SpanSinks } from '../workflows/trace.ts';
import type { TracingSettings } from './settings.ts';
import type { Tracing } from './tracing.ts';

export type { Tracing };

/**
 * Starts to write traces. One process can do that once at a time.
 * @param onError is called when the collector does not take spans, once until it takes some again
 */
export const startTracing = async (
  settings: TracingSettings | undefined,
  process: 'api' | 'worker',
  onError: (error: unknown) => void,
): Promise<Tracing | undefined> =>
  settings && (await import('./tracing.ts')).tracing(settings, process, onError);

/** For a worker without traces: the run of a request that has some tells about itself, and nobody listens. */
export const NO_SPANS: InjectedSinks<SpanSinks> = { exporter: { export: { fn: () => undefined } } };
