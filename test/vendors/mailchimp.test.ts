import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { connectMailchimp } from '../../src/vendors/mailchimp.ts';

it('adds 30 people over five connections, because Mailchimp allows only ten at once', async () => {
  const opened = { connections: 0, requests: 0, atOnce: 0, most: 0 };
  const answer = async () => {
    opened.requests++;
    opened.most = Math.max(opened.most, ++opened.atOnce);
    await sleep(10);
    opened.atOnce--;
  };
  const server = createServer((_request, response) => {
    answer().then(
      () => response.setHeader('content-type', 'application/json').end('{}'),
      () => response.destroy(),
    );
  }).on('connection', () => opened.connections++);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const mailchimp = connectMailchimp({
    apiKey: 'key-us1',
    baseUrl: `http://127.0.0.1:${port}`,
    listId: 'list',
    statusIfNew: 'subscribed',
  });
  const people = Array.from({ length: 30 }, (_, n) => `person${n}@example.org`);
  await Promise.all(people.map((email) => mailchimp.add({ email, firstName: 'Ada', lastName: 'Example' })));
  expect(opened).toEqual({ connections: 5, requests: 30, atOnce: 0, most: 5 });
  server.close();
});
