import type { Fault } from '../fault.ts';

const exporter = 'src/tracing/exporter.ts';
const requests = 'src/tracing/requests.ts';
const runs = 'src/workflows/trace.ts';
const traces = 'test/tracing/traces.test.ts';
const processes = 'test/tracing/processes.test.ts';

/** Traces, and what they tell. */
export const TRACES: Fault[] = [
  {
    name: 'traces: whatever somebody adds to a span leaves the process',
    file: exporter,
    find: '.filter(([name]) => ATTRIBUTES.includes(name))',
    replace: '',
    caughtBy: { [traces]: 'nothing of a person' },
  },
  {
    name: 'traces: messages and stacks of errors leave the process',
    file: exporter,
    find: 'events: [],',
    replace: 'events: span.events,',
    caughtBy: { [traces]: 'nothing of a person' },
  },
  {
    name: 'traces: a span has the address of a request as its name',
    file: requests,
    find: '`${request.method} ${route}`',
    replace: '`${request.method} ${request.url}`',
    caughtBy: { [traces]: 'nothing of a person' },
  },
  {
    name: 'traces: visitors decide which of their requests are traced',
    file: requests,
    find: 'if (ips.length < 2) return ROOT_CONTEXT;',
    replace: 'if (ips.length > 99) return ROOT_CONTEXT;',
    caughtBy: { [traces]: 'nobody else decides it' },
  },
  {
    name: 'traces: the body of a request is the end of its trace',
    file: requests,
    find: 'context.with(contexts.get(request) ?? ROOT_CONTEXT, done);',
    replace: 'context.with(ROOT_CONTEXT, done);',
    caughtBy: { [traces]: 'one trace leads from its request' },
  },
  {
    name: 'traces: the activities of a run are not part of its trace',
    file: runs,
    find: 'scheduleActivity: (input, next) => next(handOn(input)),',
    replace: 'scheduleActivity: (input, next) => next(input),',
    caughtBy: { [traces]: 'one trace leads from its request' },
  },
  {
    name: 'traces: the worker traces what the request has left out',
    file: runs,
    find: 'own = { [HEADER]: span?.header ?? parent.header };',
    replace: 'if (span) own = { [HEADER]: span.header };',
    caughtBy: { [traces]: 'is not traced by the worker' },
  },
  {
    name: 'traces: each batch that is lost is said',
    file: exporter,
    find: 'if (failed && !isFailing) onError(result.error);',
    replace: 'if (failed) onError(result.error);',
    caughtBy: { [processes]: 'is away says so once' },
  },
  {
    name: 'traces: a collector that hangs keeps a process from its end',
    file: 'src/tracing/tracing.ts',
    find: 'stopping.abort();',
    replace: '',
    caughtBy: { [processes]: 'hangs ends all the same' },
  },
  {
    name: 'traces: OpenTelemetry is loaded without being asked for',
    file: 'src/tracing/settings.ts',
    find: "isGiven ? 'otlp' : 'none'",
    replace: "isGiven ? 'otlp' : 'otlp'",
    caughtBy: { 'test/config.test.ts': 'writes no traces unless', [processes]: 'loads nothing' },
  },
];
