/** The way out of the process: to the collector, and nothing but what is listed here. */
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TracingSettings } from './settings.ts';

/**
 * The attributes that leave the process. Their values are ids, words of the code and numbers. Messages and stacks of errors stay here,
 * and so does what Temporal's package adds of a run, because nobody has looked at each of them for a person's data.
 */
const ATTRIBUTES = [
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'error.type',
  'peer.service',
  'vendor.word',
  'db.system',
  'db.operation.name',
  'temporalWorkflowId',
  'temporalActivityId',
  'temporalUpdateId',
  'run_id',
];

type Options = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

/**
 * @param signal closes the connections to the collector
 * @param onError is called when the collector does not take spans, once until it takes some again
 */
export function exporterTo(
  { url, headers, timeoutMs, compression }: TracingSettings,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): SpanExporter {
  const exporter = new OTLPTraceExporter({
    ...{ url, headers, timeoutMillis: timeoutMs, compression },
    // Node passes the signal on to each socket.
    httpAgentOptions: { keepAlive: true, signal },
    // The published type knows neither the signal nor the words of the enumeration.
  } as unknown as Options);
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans.map(withoutData), (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !isFailing) onError(result.error);
        isFailing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

const withoutData = (span: ReadableSpan): ReadableSpan => ({
  name: span.name,
  kind: span.kind,
  spanContext: () => span.spanContext(),
  ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
  startTime: span.startTime,
  endTime: span.endTime,
  duration: span.duration,
  ended: span.ended,
  status: { code: span.status.code },
  attributes: Object.fromEntries(
    Object.entries(span.attributes).filter(([name]) => ATTRIBUTES.includes(name)),
  ),
  links: [],
  events: [],
  resource: span.resource,
  instrumentationLibrary: span.instrumentationLibrary,
  ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
});
