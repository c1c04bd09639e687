/** The standard settings of OpenTelemetry (opentelemetry.io, Environment Variable Specification), as far as traces need them. */
import type { Reader } from '../config.ts';

const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

export type TracingSettings = NonNullable<ReturnType<typeof readTracing>>;

/** Where spans go, and which; undefined: there are no traces. Faults are reported in either case. */
export function readTracing(read: Reader) {
  /** A setting for traces alone wins over that of all signals. */
  const ofTraces = (name: string) => {
    const own = `OTEL_EXPORTER_OTLP_TRACES_${name}`;
    return read.text(own, '') ? own : `OTEL_EXPORTER_OTLP_${name}`;
  };
  const endpoint = read.optionalUrl('OTEL_EXPORTER_OTLP_ENDPOINT');
  const endpointOfTraces = read.optionalUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const isGiven = endpoint !== undefined || endpointOfTraces !== undefined;
  const exporter = read.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'] as const, isGiven ? 'otlp' : 'none');
  const disabled = read.oneOf('OTEL_SDK_DISABLED', ['true', 'false'] as const, 'false');
  read.oneOf(ofTraces('PROTOCOL'), ['http/protobuf'] as const, 'http/protobuf');
  const settings = {
    url: endpointOfTraces ?? `${endpoint ?? 'http://localhost:4318'}/v1/traces`,
    headers: read.pairs(ofTraces('HEADERS')),
    compression: read.oneOf(ofTraces('COMPRESSION'), ['none', 'gzip'] as const, 'none'),
    /** Milliseconds for one batch of spans. */
    timeoutMs: read.integer(ofTraces('TIMEOUT'), 10_000, 1, 600_000),
    /** Milliseconds between two batches. */
    delayMs: read.integer('OTEL_BSP_SCHEDULE_DELAY', 5000, 1, 600_000),
    sampler: read.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    /** The part of all traces that the samplers with `traceidratio` take. */
    ratio: read.ratio('OTEL_TRACES_SAMPLER_ARG', 1),
    /** Undefined: `registration-api` and `registration-worker`. */
    serviceName: read.text('OTEL_SERVICE_NAME', '') || undefined,
    attributes: read.pairs('OTEL_RESOURCE_ATTRIBUTES'),
  };
  return exporter === 'otlp' && disabled === 'false' ? settings : undefined;
}
