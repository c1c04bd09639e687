/** OpenTelemetry's SDK as the settings want it, and what each part of the process needs to write spans. */
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import { exporterTo } from './exporter.ts';
import { traceRequests } from './requests.ts';
import type { TracingSettings } from './settings.ts';
import { traceStatements } from './statements.ts';
import { traceRuns } from './temporal.ts';
import { traceCalls } from './vendors.ts';

/** How long the end of a process waits for the last spans. */
const STOP_WITHIN_MS = 2000;

export type Tracing = ReturnType<typeof tracing>;

/** See {@link ./index.ts}. */
export function tracing(
  settings: TracingSettings,
  process: 'api' | 'worker',
  onError: (error: unknown) => void,
) {
  const resource = new Resource({
    ...settings.attributes,
    'service.name': settings.serviceName ?? `registration-${process}`,
  });
  const stopping = new AbortController();
  const processor = new BatchSpanProcessor(exporterTo(settings, stopping.signal, onError), {
    scheduledDelayMillis: settings.delayMs,
  });
  const provider = new BasicTracerProvider({
    ...{ resource, sampler: samplerFor(settings), spanProcessors: [processor] },
  });
  const tracer = provider.getTracer('event-registration');
  // Temporal's package knows the context of a request by these two.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // No baggage: it may hold anything, and would be written to Temporal.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());

  return {
    traceRequests: traceRequests(tracer),
    traceCalls: traceCalls(tracer),
    traceStatements: traceStatements(tracer),
    ...traceRuns(tracer, processor, resource),

    /** Sends the last spans. What a slow collector has not taken by then is lost. */
    async stop(): Promise<void> {
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        sleep(STOP_WITHIN_MS, undefined, { ref: false }),
      ]);
      stopping.abort();
      context.disable();
      propagation.disable();
    },
  };
}

function samplerFor({ sampler, ratio }: TracingSettings): Sampler {
  const root = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }[sampler.replace('parentbased_', '') as 'always_on' | 'always_off' | 'traceidratio']();
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}
