/** What browsers are told, so that other sites can neither read, frame, nor act for a visitor, and nobody listens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
/** The service behind a proxy with TLS. */
let secure: App;
let id: string;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  const publicUrl = 'https://tickets.example.org';
  secure = await buildApp({ ...stack, config: { ...stack.config, publicUrl } });
  const ada = anAttendee(stack, aForm({ ticketType: 'free' }));
  await ada.register();
  ({ id } = ada);
});
afterAll(async () => {
  await secure.close();
  await stack.stop();
});

const PATHS = [
  '/',
  '/registrations/:id',
  '/api/events',
  '/nothing',
  '/healthz',
  '/documentation',
  '/favicon.ico',
];
const html = { accept: 'text/html' };
const get = (app: App, path: string) => app.inject({ url: path.replace(':id', id), headers: html });

describe('behind TLS', () => {
  it.each(PATHS)('%s tells browsers to come back by TLS only', async (path) => {
    const { headers } = await get(secure, path);
    expect(headers['strict-transport-security']).toMatch(/^max-age=31536000\b/);
  });

  it('a cookie is sent by TLS only, and no script and no other site gets it', async () => {
    const { headers } = await get(secure, '/?lang=de');
    const cookies = [headers['set-cookie']].flat();
    expect(cookies).toHaveLength(1);
    expect(String(cookies[0]).split('; ').slice(2)).toEqual(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']);
  });
});

it('without TLS nothing is promised that cannot be kept', async () => {
  const { headers } = await get(stack.app, '/?lang=de');
  expect(headers['strict-transport-security']).toBeUndefined();
  expect(String(headers['set-cookie'])).not.toContain('Secure');
});

it.each(PATHS)('no other site may frame %s, guess its type, or load more than it allows', async (path) => {
  const { headers } = await get(stack.app, path);
  const policy = String(headers['content-security-policy']);
  expect(policy).toMatch(/default-src '(none|self)'/);
  expect(policy).toMatch(/frame-ancestors '(none|self)'/);
  expect(policy).not.toMatch(/unsafe-|data:[^;]*script/);
  expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
});

describe('another site', () => {
  const origin = 'https://evil.example';

  it.each([...PATHS, '/api/registrations/:id'])('may not read %s', async (path) => {
    const url = path.replace(':id', id);
    const response = await stack.app.inject({ url, headers: { ...html, origin } });
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await stack.app.inject({
      ...{ method: 'OPTIONS', url },
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', undefined])(
    'cannot act for a visitor with a request that needs no permission: %s',
    async (type) => {
      for (const [method, url] of [
        ['POST', '/api/registrations'],
        ['POST', `/api/registrations/${id}/resend`],
        ['PUT', `/api/checkouts/${id}`],
      ] as const) {
        const headers = { origin, ...(type && { 'content-type': type }) };
        const { statusCode } = await stack.app.inject({ method, url, headers, payload: '{}' });
        expect(statusCode).toBe(415);
      }
    },
  );
});
