/**
 * The gate before Temporal's Web UI. The Web UI itself answers any Host name: a page of another site, whose name was pointed to
 * this machine (DNS rebinding), could read and cancel runs in it.
 */
import { randomInt } from 'node:crypto';
import { createServer, request as send, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { listenOn } from './process.ts';

/** Where a server listens on this machine. */
export type Place = { address: string; port: number };

/**
 * Finds a place for the Web UI itself that a page can reach in theory, but not find: on Linux any of 16 million addresses of the
 * loopback interface, elsewhere only a random port.
 */
export async function hiddenPlace(): Promise<Place> {
  const address = ['127', randomInt(1, 255), randomInt(256), randomInt(1, 255)].join('.');
  const server = createServer();
  const found = await listenOn(server, 0, address).then(
    () => address,
    () => listenOn(server, 0, '127.0.0.1').then(() => '127.0.0.1'),
  );
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { address: found, port };
}

/** Serves the Web UI at a port of the loopback interface, to this machine's own names and to its own pages only. */
export async function startGate(port: number, ui: Place): Promise<Server> {
  const names = ['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`);
  const gate = createServer((request, response) => {
    const refusal = refusalOf(request, names);
    if (refusal !== undefined) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(`${refusal}\n`);
      return;
    }
    const { method, url: path, headers } = request;
    const forwarded = send({ host: ui.address, port: ui.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A part that is killed in the middle of an answer cuts the answer off, too.
      pipeline(answer, response, () => undefined);
    });
    forwarded.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('The Web UI is not there now.\n');
    });
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await listenOn(gate, port, '127.0.0.1');
  return gate;
}

/** Why a request is refused, if it is. Browsers add the headers that say which page sent it (WHATWG Fetch; Fetch Metadata). */
function refusalOf({ method, url, headers }: IncomingMessage, names: string[]): string | undefined {
  const { host = '', origin } = headers;
  if (!names.includes(host.toLowerCase()) || !url?.startsWith('/'))
    return `Open the Web UI at http://${names[0] ?? ''}.`;
  // A link on any page may lead here. Pages of other ports of this machine are the same site, but not the same origin.
  const isLink = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  const isOwn = ['same-origin', 'none'].includes(headers['sec-fetch-site'] ?? 'none');
  const isOwnOrigin = origin === undefined || names.some((name) => origin === `http://${name}`);
  return isOwnOrigin && (isOwn || isLink) ? undefined : 'Only the Web UI itself may ask this.';
}
