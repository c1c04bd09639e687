/** A trace leads from a request through Temporal to the vendors' calls, and tells nothing about a person. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector, type Span } from '../../stage/collector.ts';
import { PERSONAL } from '../../stage/person.ts';
import { workflowId } from '../../src/registration.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { replay } from '../workflows/histories.ts';

let collector: Collector;
let stack: Stack;
const start = async (settings: Record<string, string> = {}) => {
  collector = await startCollector();
  stack = await startStack({
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200', ...settings },
  });
  await stack.startWorker();
};
const stop = async () => {
  await stack.stop();
  await collector.close();
};

const aTrace = () => randomBytes(16).toString('hex');
const PROXY = randomBytes(8).toString('hex');
/** The api behind a proxy that is part of a trace, or, `direct`, for a client that only says so. */
const within = (trace: string, { flags = '01', direct = false } = {}) => {
  const headers = {
    traceparent: `00-${trace}-${PROXY}-${flags}`,
    ...(!direct && { 'x-forwarded-for': '192.0.2.7' }),
  };
  const inject = (options: { headers?: object }) =>
    stack.app.inject({ ...options, headers: { ...options.headers, ...headers } });
  return { app: { inject } as unknown as Stack['app'], sandbox: stack.sandbox };
};
const untilOver = (id: string) => stack.temporal.workflow.getHandle(workflowId(id)).result();
const of = (trace: string) => collector.spans.filter((span) => span.trace === trace);
const isRun = (trace: string) => (span: Span) => span.trace === trace && span.name.startsWith('RunWorkflow');
/** The names of a span and of those that it is part of, from the outside to the inside; PostgreSQL's are left out. */
const paths = (spans: Span[]): string[] => {
  const pathOf = ({ name, parent }: Span): string => {
    const outer = spans.find(({ id }) => id === parent);
    return outer ? `${pathOf(outer)} > ${name}` : `${parent === PROXY ? 'proxy > ' : ''}${name}`;
  };
  return spans
    .filter(({ name }) => !name.startsWith('PostgreSQL'))
    .map(pathOf)
    .toSorted();
};

const RUN = 'POST /api/registrations > UpdateWithStartWorkflow:pay > RunWorkflow:registration';
const REGISTRATION = [
  'POST /api/registrations',
  'POST /api/registrations > UpdateWithStartWorkflow:pay',
  RUN,
  `${RUN} > RunActivity:addToMailingList`,
  `${RUN} > RunActivity:addToMailingList > Mailchimp add`,
  `${RUN} > RunActivity:saveOrder`,
  `${RUN} > RunActivity:sendConfirmation`,
  `${RUN} > RunActivity:sendConfirmation > SendGrid send`,
  `${RUN} > RunActivity:takePayment`,
  `${RUN} > RunActivity:takePayment > PayPal captureOrder`,
  `${RUN} > RunActivity:takePayment > PayPal findOrder`,
];
const CHECKOUT = ['PUT /api/checkouts/:id', 'PUT /api/checkouts/:id > PayPal createOrder'];

describe('behind a proxy that decides what is traced', () => {
  // Nothing is traced that the proxy has not chosen.
  beforeAll(() =>
    start({
      TRUST_PROXY: '127.0.0.1',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    }),
  );
  afterAll(stop);

  it(
    'one trace leads from its request to every vendor, and to PostgreSQL',
    { timeout: 120_000 },
    async () => {
      const trace = aTrace();
      const ada = anAttendee(within(trace));
      expect((await ada.register()).statusCode).toBe(201);
      await untilOver(ada.id);
      await collector.until(isRun(trace));
      expect(paths(of(trace))).toEqual([...REGISTRATION, ...CHECKOUT].map((path) => `proxy > ${path}`));
      expect(of(trace).map(({ name }) => name)).toEqual(
        expect.arrayContaining(['PostgreSQL select', 'PostgreSQL with', 'PostgreSQL insert']),
      );
      const run = of(trace).find(isRun(trace));
      expect(run).toMatchObject({ service: 'registration-api', status: 1 });
      expect(run?.attributes.temporalWorkflowId).toBe(workflowId(ada.id));

      // A worker that writes no traces goes on with this run, and one that does with a run that has none.
      const { events = [] } = await stack.temporal.workflow.getHandle(workflowId(ada.id)).fetchHistory();
      const [first, ...others] = events ?? [];
      const { header, ...started } = first?.workflowExecutionStartedEventAttributes ?? {};
      expect(Object.keys(header?.fields ?? {})).toEqual(['_tracer-data']);
      const options = { converter: dataConverter(stack.config), workflowId: workflowId(ada.id) };
      const without = { ...first, workflowExecutionStartedEventAttributes: started };
      for (const one of [first, without])
        await replay(await bundleWorkflows(), { events: [one, ...others] }, options);
    },
  );

  it(
    'nothing of a person, no key, no token and no query leaves the process',
    { timeout: 60_000 },
    async () => {
      const trace = aTrace();
      const [token, word] = [randomUUID(), 'grace.example'];
      const { app } = within(trace);
      for (const url of [
        `/organizer/sign-in/${token}`,
        `/registrations/${randomUUID()}?email=${word}`,
        `/${word}`,
      ])
        await app.inject({ method: 'GET', url });
      // The vendor's refusal quotes the address.
      stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 400, times: 1 });
      stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503, times: 1 });
      const ada = anAttendee(within(trace));
      await ada.register();
      await untilOver(ada.id);
      await collector.until(isRun(trace));
      const spans = of(trace);
      expect(spans.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['GET /organizer/sign-in/:token', 'GET /registrations/:id', 'GET']),
      );
      for (const name of ['SendGrid send', 'RunActivity:sendConfirmation']) {
        const [failed] = spans.filter((span) => span.name === name && span.status === 2);
        expect(failed?.attributes['error.type']).toBe('SendGridUnavailable');
      }
      const text = collector.text();
      const { paypal, sendgrid, mailchimp } = stack.config;
      const secrets = [paypal.clientSecret, sendgrid.apiKey, mailchimp.apiKey, token, word];
      expect([...PERSONAL, ...secrets].filter((secret) => text.includes(secret))).toEqual([]);
      for (const { name } of spans) expect(name).not.toMatch(/[0-9a-f]{8}-|\?/);
      expect(text).not.toContain('exception');
      const attributes = new Set(spans.flatMap((span) => Object.keys(span.attributes)));
      expect([...attributes].filter((name) => /message|stack|memo|search|url|sql/i.test(name))).toEqual([]);
    },
  );

  it('nobody else decides it', { timeout: 120_000 }, async () => {
    const [claimed, unwanted, wanted] = [aTrace(), aTrace(), aTrace()];
    for (const api of [
      within(claimed, { direct: true }),
      within(unwanted, { flags: '00' }),
      within(wanted),
    ]) {
      const ada = anAttendee(api);
      expect((await ada.register()).statusCode).toBe(201);
      await untilOver(ada.id);
    }
    await collector.until(isRun(wanted));
    // What is not wanted is not wanted in the worker either, and has no trace of another id.
    expect(of(claimed)).toEqual([]);
    expect(of(unwanted)).toEqual([]);
    expect(collector.spans.filter(({ parent }) => parent === '')).toEqual([]);
  });
});

describe('without an encryption key', () => {
  beforeAll(() => start({ ENCRYPTION_KEY: '', TRUST_PROXY: '127.0.0.1' }));
  afterAll(stop);

  it('one trace leads from the request to every vendor', { timeout: 120_000 }, async () => {
    const ada = anAttendee(stack);
    expect((await ada.register()).statusCode).toBe(201);
    await untilOver(ada.id);
    const { trace } = await collector.until(({ name }) => name.startsWith('RunWorkflow'));
    expect(paths(of(trace))).toEqual(REGISTRATION);
  });

  it(
    'a request that a proxy has left out is not traced by the worker either',
    { timeout: 60_000 },
    async () => {
      const wanted = aTrace();
      const [left, traced] = [anAttendee(within(aTrace(), { flags: '00' })), anAttendee(within(wanted))];
      for (const person of [left, traced]) {
        expect((await person.register()).statusCode).toBe(201);
        await untilOver(person.id);
      }
      await collector.until(isRun(wanted));
      const about = (id: string) =>
        collector.spans.filter(({ attributes }) => attributes.temporalWorkflowId === workflowId(id));
      expect(about(left.id)).toEqual([]);
      expect(about(traced.id).length).toBeGreaterThan(4);
    },
  );
});

it('a registration goes on while the collector is away', { timeout: 120_000 }, async () => {
  const reasons: unknown[] = [];
  const gone = await startCollector();
  await gone.close();
  stack = await startStack({
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: gone.url },
    onUntraced: (error) => reasons.push(error),
  });
  await stack.startWorker();
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  await untilOver(ada.id);
  await stack.stop();
  expect(reasons).toMatchObject([{ code: 'ECONNREFUSED' }]);
});
