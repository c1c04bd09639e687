/**
 * The requests to PayPal and SendGrid are valid by the vendors' own published descriptions (OpenAPI). These are not part of the
 * project: VENDOR_DESCRIPTIONS names a folder with them, and CONTRIBUTING.md says where they are published.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Schema from 'typebox/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflowId } from '../../src/registration.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { deliver } from '../webhooks.ts';

const folder = process.env.VENDOR_DESCRIPTIONS;
/** The ends of the names of the published files. */
const PAYPAL = ['checkout_orders_v2.json', 'payments_payment_v2.json', 'notifications_webhooks_v1.json'];
const SENDGRID = ['tsg_mail_v3.json'];

type Json = Record<string, unknown>;
type Parameter = { name: string; in: string; schema: Json };
type Operation = { parameters?: Json[]; requestBody?: Json };
type Description = { components: Json; paths: Record<string, Record<string, Operation>> };
type Request = { method: string; path: string; headers: IncomingHttpHeaders; body: string };

/** PayPal's SDK and its guide to 3-D Secure know this property, and its description does not. */
const KNOWN_GAP = /^POST \/v2\/checkout\/orders body\/payment_source\/card\/attributes(\/verification)?: /;

let stack: Stack | undefined;
const requests: Request[] = [];
/** Notes each request and passes it on to the sandbox. */
const recorder = createServer((request, response) => {
  const { method = 'GET', url: path = '/', headers } = request;
  const passOn = async () => {
    const body = await text(request);
    requests.push({ method, path, headers, body });
    const { host: _own, connection: _hop, 'content-length': _length, ...sent } = headers;
    const answer = await fetch((stack?.sandbox.url ?? '') + path, {
      method,
      headers: sent as Record<string, string>,
      ...(body && { body }),
    });
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    });
    response.end(await answer.text());
  };
  passOn().catch((error: unknown) => response.destroy(error as Error));
});

beforeAll(async () => {
  if (folder === undefined) return;
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`;
  stack = await startStack({ settings: { PAYPAL_BASE_URL: url, SENDGRID_BASE_URL: url } });
  await stack.startWorker();
  await everyKindOfRequest(stack);
});
afterAll(async () => {
  await stack?.stop();
  recorder.close();
});

/** A decline and a payment with its mail, a refund, and an event of PayPal. */
async function everyKindOfRequest(stack: Stack): Promise<void> {
  expect((await anAttendee(stack).register(CARDS.declined)).statusCode).toBe(402);
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  await stack.temporal.workflow.getHandle(workflowId(ada.id)).result();
  const capture = stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === ada.id);
  await stack.paypal.refundCapture(
    {
      captureId: capture?.id ?? '',
      requestId: `${ada.id}:refund:1`,
      name: ada.id,
      amount: { minor: 4000, currency: 'EUR' },
    },
    5000,
  );
  const event = { id: 'WH-1', event_type: 'PAYMENT.CAPTURE.PENDING', resource: { id: 'CAPTURE' } };
  expect((await deliver(stack, 'paypal', JSON.stringify(event))).statusCode).toBe(204);
}

/** A part of a description, or where its reference (RFC 6901) leads. */
function resolve(description: Description, part: Json): Json {
  if (typeof part.$ref !== 'string') return part;
  const path = part.$ref.slice(2).split('/');
  return path.reduce<unknown>((at, key) => (at as Json)[key], description) as Json;
}

/** A description in which objects have the described properties only, without its patterns that JavaScript does not know. */
function strict(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(strict);
  const parts = Object.entries(schema).filter(([key, value]) => key !== 'pattern' || isUsable(value));
  const described: Json = Object.fromEntries(parts.map(([key, value]) => [key, strict(value)]));
  const open = ['additionalProperties', 'allOf', 'anyOf', 'oneOf'].some((key) => key in described);
  const closed = described.type === 'object' && 'properties' in described && !open;
  return closed ? { ...described, additionalProperties: false } : described;
}
function isUsable(pattern: unknown): boolean {
  try {
    return typeof pattern !== 'string' || new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** What a description finds wrong with a request: one line for each fault, without values. */
function faultsOf(description: Description, { method, path, headers, body }: Request): string[] {
  const [address = ''] = path.split('?');
  const template = Object.keys(description.paths).find((candidate) =>
    new RegExp(`^${candidate.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(address),
  );
  const operation = template && description.paths[template]?.[method.toLowerCase()];
  if (!template || !operation) return [`${method} ${address} is not described`];
  const check = (what: string, schema: unknown, value: unknown) => {
    const [, errors] = Schema.Errors({ ...(schema as Json), components: description.components }, value);
    return errors.map(
      ({ instancePath, message }) => `${method} ${template} ${what}${instancePath}: ${message}`,
    );
  };
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const segment = (name: string) => {
    const at = template.split('/').indexOf(`{${name}}`);
    return address.split('/')[at];
  };
  const parameters = (operation.parameters ?? []).map((part) => resolve(description, part) as Parameter);
  const inPlace = parameters.flatMap(({ name, in: place, schema }) => {
    const value =
      place === 'header' ? headers[name.toLowerCase()] : names.includes(name) ? segment(name) : undefined;
    return value === undefined ? [] : check(`${place} ${name}`, schema, value);
  });
  const { content } = resolve(description, operation.requestBody ?? {}) as { content?: Json };
  const { schema } = (content?.['application/json'] ?? {}) as { schema?: unknown };
  return [...inPlace, ...(body && schema ? check('body', schema, JSON.parse(body)) : [])];
}

function readDescriptions(names: string[]): Description[] {
  const files = readdirSync(folder ?? '');
  return names.map((name) => {
    const file = files.find((candidate) => candidate.endsWith(name));
    if (file === undefined) throw new Error(`VENDOR_DESCRIPTIONS has no file ${name}`);
    return strict(JSON.parse(readFileSync(join(folder ?? '', file), 'utf8'))) as Description;
  });
}

it.for([
  { vendor: 'PayPal', names: PAYPAL, paths: /^\/v2\/|^\/v1\/notifications\//, atLeast: 8 },
  { vendor: 'SendGrid', names: SENDGRID, paths: /^\/v3\//, atLeast: 1 },
])(
  'every request to $vendor is valid by its published description',
  ({ names, paths, atLeast }, { skip }) => {
    skip(
      folder === undefined,
      'VENDOR_DESCRIPTIONS names no folder with the descriptions: see CONTRIBUTING.md',
    );
    const sent = requests.filter(({ path }) => paths.test(path));
    expect(sent.length).toBeGreaterThanOrEqual(atLeast);
    const descriptions = readDescriptions(names);
    const faults = sent.flatMap((request) => {
      const answers = descriptions.map((description) => faultsOf(description, request));
      return answers.find(([first]) => !first?.endsWith('is not described')) ?? answers[0] ?? [];
    });
    expect(faults.filter((fault) => !KNOWN_GAP.test(fault))).toEqual([]);
  },
);
