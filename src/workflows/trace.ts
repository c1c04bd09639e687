/** A run goes on with the trace of the request that started it. OpenTelemetry itself stays outside: docs/decisions/traces.md. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type Headers,
  type WorkflowInterceptorsFactory,
} from '@temporalio/workflow';

/** Where Temporal's interceptors of the client and of activities write and read the trace. */
const HEADER = '_tracer-data';
/** W3C Trace Context: version, trace, parent and flags, of which the last bit says whether spans are written. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])$/;
/** OpenTelemetry's numbers. */
const [INTERNAL, OK, ERROR] = [0, 1, 2];

type Parent = { header: Payload; traceId: string; spanId: string; isSampled: boolean };
/** What Temporal's package takes, outside the workflows: spans as plain objects. */
export type SpanSinks = { exporter: { export(spans: object[]): void } };

/** The trace that a header names; undefined where there is none, or what somebody made up. */
function parentIn(header: Payload | undefined): Parent | undefined {
  if (!header) return undefined;
  try {
    const { traceparent } = defaultPayloadConverter.fromPayload<{ traceparent?: unknown }>(header);
    const [, traceId, spanId, flags] = TRACEPARENT.exec(String(traceparent)) ?? [];
    if (!traceId || !spanId || !flags) return undefined;
    return { header, traceId, spanId, isSampled: parseInt(flags, 16) % 2 === 1 };
  } catch {
    return undefined;
  }
}

/** Milliseconds as OpenTelemetry counts: seconds and nanoseconds. */
const counted = (ms: number): [number, number] => [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];

/**
 * Hands the trace to the activities and to the runs that a run starts, and tells of the run's own span at its end. It delays nothing and
 * takes nothing from the run's randomness, so that a run does the same with a trace and without.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let own: Headers = {};
  const handOn = <Input extends { readonly headers: Headers }>(input: Input): Input => ({
    ...input,
    headers: { ...input.headers, ...own },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          const parent = parentIn(input.headers[HEADER]);
          if (!parent) return next(input);
          const span = parent.isSampled ? spanOf(parent) : undefined;
          own = { [HEADER]: span?.header ?? parent.header };
          const running = next(input);
          if (span)
            running.then(
              () => span.end(OK),
              (error: unknown) => span.end(error instanceof ContinueAsNew ? OK : ERROR),
            );
          return running;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(handOn(input)),
        startChildWorkflowExecution: (input, next) => next(handOn(input)),
        continueAsNew: (input, next) => next(handOn(input)),
      },
    ],
  };
};

/** The span of a run. Its id is the end of the run's id, which is random, and the same one in a replay. */
function spanOf({ traceId, spanId: parentSpanId }: Parent) {
  const { exporter } = proxySinks<SpanSinks>();
  const { runId, workflowType, workflowId } = workflowInfo();
  const spanId = runId.replaceAll('-', '').slice(-16);
  const began = Date.now();
  return {
    /** Makes it the parent of what the run starts. */
    header: defaultPayloadConverter.toPayload({ traceparent: `00-${traceId}-${spanId}-01` }),
    end(code: number): void {
      const [startTime, endTime] = [counted(began), counted(Date.now())];
      exporter.export([
        {
          name: `RunWorkflow:${workflowType}`,
          kind: INTERNAL,
          ...{ spanContext: { traceId, spanId, traceFlags: 1 }, parentSpanId },
          ...{ startTime, endTime, duration: counted(Date.now() - began), ended: true },
          status: { code },
          attributes: { temporalWorkflowId: workflowId, run_id: runId },
          ...{ links: [], events: [] },
          ...{ droppedAttributesCount: 0, droppedLinksCount: 0, droppedEventsCount: 0 },
          instrumentationLibrary: { name: 'event-registration' },
        },
      ]);
    },
  };
}
