/** Sends valid and invalid requests to every documented route and checks the answers against the document. */
import { randomUUID } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowId } from '../../src/registration.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';
import { addQuestions } from './some-questions.ts';
import { aSignedIn } from './organizer/desk.ts';
import { fieldsIn } from './organizer/event-form.ts';

const RUNS = 100;
/** None needs an answer, so that forms with and without answers get further. */
const QUESTIONS = {
  diet: { kind: 'choice', label: 'Diet', choices: ['Vegan', 'Everything'] },
  name: { kind: 'text', label: 'Name on the badge' },
  dinner: { kind: 'checkbox', label: 'Dinner', ticket_type_ids: ['regular'] },
};
/** Characters of a parameter in an address; a longer one leads nowhere. */
const MAX_PARAMETER = 200;

type Schema = {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  pattern?: string;
  maxLength?: number;
  patternProperties?: Record<string, Schema>;
};
type Operation = {
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
};
type Response = Awaited<ReturnType<Stack['app']['inject']>>;
type Problem = { type: string; status: number; title: string; detail: string };

let stack: Stack;
/** The id of a completed registration. */
let done: string;
let paths: Record<string, Record<string, Operation>>;
/** Known valid values by property name, because random values would hardly ever match existing data. */
const known: Record<string, unknown[]> = {
  event: ['conference'],
  ticketType: ['free', 'regular', 'limited'],
  countryCode: ['DE', 'US'],
  answers: [
    {},
    { diet: 'Vegan' },
    { name: 'x', dinner: true },
    { diet: 'Meat' },
    { dinner: 'yes' },
    { toString: 'x' },
  ],
};
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 2000 });
  await addQuestions(stack.database, QUESTIONS);
  await stack.startWorker();
  ({ paths } = (await stack.app.inject('/documentation/json')).json<{ paths: typeof paths }>());
  const paid = anAttendee(stack);
  const paypalOrderId = await paid.approve();
  await paid.post(paypalOrderId);
  await stack.temporal.workflow.getHandle(workflowId(paid.id)).result();
  const held = anAttendee(stack, aForm({ ticketType: 'free' }));
  await held.put();
  done = paid.id;
  known.id = [done, held.id];
  known.paypalOrderId = [paypalOrderId, null];
});
afterAll(() => stack.stop());

/** Generates values that match a schema, mixed with known valid ones. */
function like(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  const described = () => {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.anyOf) return fc.oneof(...schema.anyOf.map((option) => like(option)));
    switch (schema.type) {
      case 'object':
        if (schema.patternProperties) return anyOf(schema.patternProperties);
        return fc.record(
          Object.fromEntries(
            Object.entries(schema.properties ?? {}).map(([key, value]) => [key, like(value, key)]),
          ),
          { requiredKeys: schema.required ?? [] },
        );
      case 'string':
        return schema.pattern === undefined
          ? fc.string({ maxLength: schema.maxLength ?? 300 })
          : fc.stringMatching(new RegExp(schema.pattern), { maxLength: schema.maxLength ?? 300 });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      default:
        return fc.jsonValue();
    }
  };
  const useful = known[name];
  return useful ? fc.oneof({ arbitrary: fc.constantFrom(...useful), weight: 3 }, described()) : described();
}

/** An object whose keys match a pattern. */
const anyOf = (properties: Record<string, Schema>) =>
  fc.oneof(
    ...Object.entries(properties).map(([key, value]) =>
      fc.dictionary(fc.stringMatching(new RegExp(key), { maxLength: 64 }), like(value), { maxKeys: 6 }),
    ),
  );

type Node = { parent: Record<string, unknown>; key: string };
const nodesOf = (value: unknown): Node[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, child]) => [
        { parent: value as Record<string, unknown>, key },
        ...nodesOf(child),
      ])
    : [];

/** Removes, replaces or adds parts of the generated values. */
const corrupted = (value: fc.Arbitrary<unknown>) =>
  fc
    .tuple(value, fc.array(fc.tuple(fc.nat(), fc.constantFrom('gone', 'other', 'more'), fc.jsonValue())))
    .map(([whole, changes]) => {
      const copy = structuredClone(whole);
      for (const [which, how, other] of changes) {
        const nodes = nodesOf(copy);
        const node = nodes[which % Math.max(1, nodes.length)];
        if (!node) continue;
        if (how === 'gone') Reflect.deleteProperty(node.parent, node.key);
        else node.parent[how === 'more' ? `${node.key}x` : node.key] = other;
      }
      return copy;
    });

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const segment = (described: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { arbitrary: described.map((value) => encodeURIComponent(String(value))), weight: 3 },
    text.map(encodeURIComponent),
    fc.constantFrom('%', '%00', '..%2f..', 'x'.repeat(300), ' '),
  );
const bodyLike = (schema: Schema) =>
  fc.oneof(
    { arbitrary: like(schema).map((value) => JSON.stringify(value)), weight: 3 },
    { arbitrary: corrupted(like(schema)).map((value) => JSON.stringify(value)), weight: 3 },
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
    like(schema).map((value) => JSON.stringify(value).slice(0, -3)),
  );
/** Generates header values of printable ASCII, which any HTTP client can send. */
const header = fc.stringMatching(/^[ -~]{0,60}$/);
const headers = fc.record(
  {
    'content-type': fc.oneof(
      { arbitrary: fc.constant('application/json'), weight: 6 },
      fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'multipart/form-data'),
      header,
    ),
    'accept-language': header,
    accept: header,
    cookie: header.map((value) => `lang=${value}`),
    'accept-encoding': fc.constantFrom('gzip', 'br', 'deflate', '*;q=0', 'nonsense'),
  },
  { requiredKeys: [] },
);

function isOneSegment(segment: string): boolean {
  try {
    return decodeURIComponent(segment).length <= MAX_PARAMETER;
  } catch {
    return false;
  }
}

/** Only these problems may have a status of 500 or above. Any other such answer is a bug. */
const TOLD_AS_500 = ['/problems/payment-not-processed'];

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync };
/** The content of an answer, compressed or not. */
function contentOf({ headers, rawPayload }: Response): string {
  const encoding = headers['content-encoding'] as keyof typeof DECODERS | undefined;
  return (encoding ? DECODERS[encoding](rawPayload) : rawPayload).toString();
}

async function expectDocumented(
  request: { method: string; url: string; headers: Record<string, string>; payload?: string },
  responses: string[],
): Promise<void> {
  const response = await stack.app.inject({ ...request, method: request.method as 'GET' });
  const { statusCode } = response;
  expect(responses).toContain(String(statusCode));
  if (statusCode < 400) return;
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(contentOf(response)) as Problem;
  expect(problem).toMatchObject({
    status: statusCode,
    type: expect.stringMatching(/^\/problems\//) as string,
  });
  if (statusCode >= 500) expect(TOLD_AS_500).toContain(problem.type);
}

const OPERATIONS = [
  'get /api/events',
  'get /api/events/{event}',
  'put /api/checkouts/{id}',
  'post /api/registrations',
  'get /api/registrations/{id}',
  'get /api/registrations/{id}/events',
  'post /api/registrations/{id}/resend',
  'get /healthz',
  'get /readyz',
];

describe('the OpenAPI document', () => {
  it('describes exactly the operations that are tested here', () => {
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(documented.toSorted()).toEqual(OPERATIONS.toSorted());
  });

  it.each(OPERATIONS)('documents every answer of %s', { timeout: 120_000 }, async (name) => {
    const [method = '', path = ''] = name.split(' ');
    const { parameters = [], requestBody, responses } = paths[path]?.[method] ?? { responses: {} };
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    const body = requestBody?.content['application/json']?.schema;
    const request = fc.record({
      segments: fc.tuple(
        ...inPath.map((parameter) =>
          // The event stream of an open registration does not end, so this route gets a completed one.
          segment(path.endsWith('/events') ? fc.constant(done) : like(parameter.schema, parameter.name)),
        ),
      ),
      query: fc.oneof(
        fc.constant(''),
        text.map((value) => `?${encodeURIComponent(value)}`),
      ),
      headers,
      payload: body ? bodyLike(body) : fc.constant(''),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ segments, query, headers: sent, payload }) => {
        const filled = inPath.reduce(
          (url, parameter, i) => url.replace(`{${parameter.name}}`, () => segments[i] ?? ''),
          path,
        );
        // An address that cannot be decoded, or that has a part that is too long, is that of no operation.
        const reaches = segments.every(isOneSegment);
        const allowed = reaches ? Object.keys(responses) : ['400', '404'];
        await expectDocumented(
          {
            method: method.toUpperCase(),
            url: filled + query,
            headers: sent,
            ...(body && { payload }),
          },
          allowed,
        );
      }),
      { numRuns: RUNS },
    );
  });
});

describe('the editor of events', () => {
  const name = fc.constantFrom(
    ...['action', 'version', 'do', 'was', 'id', 'name', 'description', 'timeZone', 'starts', 'ends', 'venue'],
    ...['seller', 'currency', 'alt', 'type.regular.row', 'type.regular.price', 'type.regular.capacity'],
    ...['type.regular.position', 'type.regular.remove', 'type._1.row', 'type._1.name', 'type._1.saleStarts'],
    ...['type.none.row', 'type.__proto__.row', '__proto__', 'picture', 'sold'],
  );
  const value = fc.oneof(
    text,
    fc.constantFrom(
      '',
      '1',
      '-1',
      '1e9',
      '99999999999',
      'EUR',
      'JPY',
      'Europe/Berlin',
      'Etc/GMT+5',
      'on',
      '{}',
    ),
    fc.constantFrom('save', 'more', 'publish', 'draft', 'picture', 'remove-picture', '{"name":1}', '[', '\0'),
    fc.constantFrom(
      '2027-03-28T02:30',
      '2027-10-31T02:30',
      '2099-12-31T23:59',
      '2027-02-30T00:00',
      '9999-99-99T99:99',
    ),
    fc.uuid(),
  );
  const forms = fc.tuple(
    fc.constantFrom('/organizer/events', '/organizer/events/conference', '/organizer/events/nowhere'),
    fc.array(fc.tuple(name, value), { maxLength: 25 }),
    fc.boolean(),
  );

  it(
    'answers any form without a server error, and leaves what is sold alone',
    { timeout: 120_000 },
    async () => {
      const ada = await aSignedIn(stack, 'owner');
      const _csrf = await ada.csrf();
      const sold = () => stack.database('ticket_types').where({ event_id: 'conference' }).sum('sold');
      const before = await sold();
      await fc.assert(
        fc.asyncProperty(forms, async ([url, fields, isWhole]) => {
          const whole = {
            ...(isWhole ? fieldsIn((await ada.get('/organizer/events/conference')).body) : {}),
            ...{ action: randomUUID(), do: 'save' },
          };
          const query = new URLSearchParams([...Object.entries({ ...whole, _csrf }), ...fields]);
          const sent = Object.fromEntries(query);
          expect((await ada.post(url, { ...sent, _csrf })).statusCode).toBeLessThan(500);
        }),
        { numRuns: RUNS },
      );
      expect(await sold()).toEqual(before);
    },
  );
});

it('answers any other address and method without a server error', async () => {
  const url = fc.oneof(
    fc.webPath({ size: 'medium' }),
    text.map((value) => `/registrations/${encodeURIComponent(value)}`),
    text.map((value) => `/codec/${encodeURIComponent(value)}`),
    text.map((value) => `/events/${encodeURIComponent(value)}`),
    text.map((value) => `/organizer/events/${encodeURIComponent(value)}`),
    fc.constantFrom(
      '/',
      '/?event=%00',
      '/?event[]=1&lang=%zz',
      `/registrations/${randomUUID()}`,
      '/assets/..%2f..%2f',
    ),
  );
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
  await fc.assert(
    fc.asyncProperty(url, method, headers, async (address, verb, sent) => {
      const response = await stack.app.inject({
        method: verb as 'GET',
        url: address || '/',
        headers: sent as Record<string, string>,
      });
      expect(response.statusCode).toBeLessThan(500);
    }),
    { numRuns: 4 * RUNS },
  );
});
