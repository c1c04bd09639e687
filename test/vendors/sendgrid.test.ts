import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { connectSendGrid, type Message } from '../../src/vendors/sendgrid.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

const MAIL: Message = {
  registrationId: 'ID',
  to: { email: 'ada@example.org', name: 'Ada Example' },
  category: 'confirmation',
  ...{ subject: 'x', text: 'x', html: 'x' },
};

/** Sends a mail to a stand-in that gives this answer. Returns the request's body, or throws what the client throws. */
async function send(status: number, headers: Record<string, string> = {}): Promise<unknown> {
  const requests: string[] = [];
  server = createServer((request, response) => {
    text(request).then(
      (body) => {
        requests.push(body);
        response.writeHead(status, headers).end();
      },
      () => response.destroy(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const from = { email: 'registration@example.org' };
  await connectSendGrid({ apiKey: 'SG.key', baseUrl: `http://127.0.0.1:${port}`, from }).send(MAIL);
  return JSON.parse(requests[0] ?? '');
}

it('a limit (429) is waited for until the reset of the limit', async () => {
  const reset = String(Math.ceil(Date.now() / 1000) + 30);
  const error = (await send(429, { 'x-ratelimit-reset': reset }).catch((thrown: unknown) => thrown)) as {
    retryAfterMs: number;
  };
  expect(error).toMatchObject({ vendor: 'SendGrid', meaning: 'Unavailable', final: false, status: 429 });
  expect(error.retryAfterMs).toBeGreaterThan(25_000);
  expect(error.retryAfterMs).toBeLessThanOrEqual(31_000);
});

it('no tracker gets to know the links of a mail, or that it was opened', async () => {
  expect(await send(202)).toMatchObject({
    tracking_settings: { click_tracking: { enable: false }, open_tracking: { enable: false } },
  });
});
