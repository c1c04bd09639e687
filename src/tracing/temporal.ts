import { trace, type Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import type {
  ActivityInboundCallsInterceptor,
  ActivityInterceptorsFactory,
  InjectedSinks,
} from '@temporalio/worker';
import type { SpanSinks } from '../workflows/trace.ts';

/** Temporal's own interceptors: what a client, the activities and the runs (workflows/trace.ts) need to go on with a trace. */
export const traceRuns = (tracer: Tracer, processor: SpanProcessor, resource: Resource) => ({
  clientInterceptors: [new OpenTelemetryWorkflowClientInterceptor({ tracer })] as WorkflowClientInterceptor[],
  /** Before all others, so that they see what the others made of an error. */
  activityInterceptors: [
    (activity) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(activity, { tracer }) }),
    () => ({ inbound: typeOfFailure }),
  ] as ActivityInterceptorsFactory[],
  sinks: { exporter: makeWorkflowExporter(processor, resource) } as InjectedSinks<SpanSinks>,
});

/** The package tells an error by its message, which goes no further than the exporter. The type of the failure is ours. */
const typeOfFailure: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      if (error instanceof ApplicationFailure && error.type)
        trace.getActiveSpan()?.setAttribute('error.type', error.type);
      throw error;
    }
  },
};
