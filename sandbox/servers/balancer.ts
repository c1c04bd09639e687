/** Divides the connections of one port among several servers, as a load balancer before a cluster does. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenOn } from './process.ts';
import type { Place } from './web-ui.ts';

/** A server on this machine accepts a connection at once, or is not there. */
const CONNECT_MS = 2000;

/**
 * Passes each connection to the port on to one of the servers of that moment, in turn. A server that accepts none is passed over. A connection
 * ends with its server, and the client's next one finds another.
 */
export async function startBalancer(port: number, serversNow: () => readonly Place[]): Promise<Server> {
  let turn = 0;
  const balancer = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const servers = serversNow();
    const order = servers.map((_, n) => servers[(turn + n) % servers.length]).filter((server) => !!server);
    turn++;
    client.on('error', () => client.destroy());
    passOn(client, order);
  });
  await listenOn(balancer, port, '127.0.0.1');
  return balancer;
}

function passOn(client: Socket, [first, ...others]: Place[]): void {
  if (!first) {
    client.destroy();
    return;
  }
  const server = connect({ host: first.address, port: first.port, allowHalfOpen: true, noDelay: true });
  server.setTimeout(CONNECT_MS, () => server.destroy(new Error('no answer')));
  const next = () => {
    passOn(client, others);
  };
  server.once('error', next);
  server.once('connect', () => {
    server.setTimeout(0);
    server.off('error', next).on('error', () => server.destroy());
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
    client.pipe(server).pipe(client);
  });
}
