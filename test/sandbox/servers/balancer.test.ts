import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { startBalancer } from '../../../sandbox/servers/balancer.ts';
import { freePort, listenOn } from '../../../sandbox/servers/process.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A server that answers what it was sent, and its name before. */
async function echo(name: string, port = 0) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  await listenOn(server, port, '127.0.0.1');
  open.push(server);
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port, server };
}

async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end('hello');
  return text(socket);
}

it('divides connections among its servers, and passes over those that are gone', async () => {
  const servers = [await echo('one'), await echo('two')];
  const port = await freePort();
  open.push(await startBalancer(port, () => servers));
  const answers = [await ask(port), await ask(port), await ask(port)];
  expect(new Set(answers)).toEqual(new Set(['one:hello', 'two:hello']));

  const [, gone] = servers;
  gone?.server.close();
  expect([await ask(port), await ask(port)]).toEqual(['one:hello', 'one:hello']);
});

it('ends a connection when no server is there', async () => {
  const port = await freePort();
  const gone = { address: '127.0.0.1', port: await freePort() };
  open.push(await startBalancer(port, () => [gone]));
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'close');
  expect(socket.bytesRead).toBe(0);
});
