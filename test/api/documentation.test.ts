/** What the OpenAPI document shows can be sent as it stands, and leads on. */
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { seedExampleEvent } from '../../src/database/events.ts';
import { startStack, type Stack } from '../stack.ts';

type Link = { operationRef: string; parameters: Record<string, string> };
type Operation = {
  parameters?: { name: string; schema: { example?: string }; example?: string }[];
  requestBody?: { content: Record<string, { example?: unknown }> };
  responses: Record<string, { links?: Record<string, Link> }>;
};

let stack: Stack;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  await stack.database('ticket_types').delete();
  await stack.database('events').delete();
  await seedExampleEvent(stack.database);
  ({ paths } = (await stack.app.inject('/documentation/json')).json<{ paths: typeof paths }>());
});
afterAll(() => stack.stop());

/** Sends the example of an operation. */
function send(method: string, path: string) {
  const { parameters = [], requestBody } = paths[path]?.[method] ?? { responses: {} };
  const filled = parameters.reduce(
    (url, { name, example, schema }) => url.replace(`{${name}}`, example ?? schema.example ?? ''),
    path,
  );
  const body = requestBody?.content['application/json']?.example as object | undefined;
  return stack.app.inject({ method: method as 'GET', url: filled, ...(body && { body }) });
}

describe('the examples', () => {
  it('are there for each body', () => {
    const bodies = Object.values(paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {})),
    );
    expect(bodies.length).toBeGreaterThanOrEqual(3);
    for (const { example } of bodies) expect(example).toBeTypeOf('object');
  });

  it('register somebody for the example event, one after the other', async () => {
    expect((await send('get', '/api/events/{event}')).statusCode).toBe(200);
    expect((await send('put', '/api/checkouts/{id}')).statusCode).toBe(201);
    expect((await send('post', '/api/registrations')).statusCode).toBe(201);
    expect((await send('get', '/api/registrations/{id}')).json()).toMatchObject({ status: 'confirmed' });
  });
});

it('each link leads to an operation with that parameter', () => {
  const links = Object.values(paths).flatMap((operations) =>
    Object.values(operations).flatMap(({ responses }) =>
      Object.values(responses).flatMap((response) => Object.values(response.links ?? {})),
    ),
  );
  expect(links.length).toBeGreaterThanOrEqual(7);
  for (const { operationRef, parameters } of links) {
    const [, , path = '', method = ''] = operationRef.split('/');
    const operation = paths[path.replaceAll('~1', '/')]?.[method];
    expect(operation?.parameters?.map(({ name }) => name)).toEqual(Object.keys(parameters));
  }
});
