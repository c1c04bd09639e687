/**
 * A page of another site asks servers of this machine: by requests from the visitor's browser, or by pointing its own name to this
 * machine (DNS rebinding), so that the browser takes it for a page of the same origin.
 */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Connection, WorkflowClient } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../sandbox/servers/process.ts';
import { startTemporal } from '../../sandbox/servers/temporal.ts';
import { hiddenPlace, startGate } from '../../sandbox/servers/web-ui.ts';
import { startSandbox } from '../../sandbox/vendors/server.ts';

const EVIL = 'evil.example.org';

/** Asks a server as a browser does whose page has this name. `fetch` does not let a program choose the Host header. */
async function ask(
  port: number,
  { host, method = 'GET', path = '/', headers = {} }: Ask,
): Promise<{ status: number; body: string }> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, host } });
  sent.end(method === 'POST' ? '{}' : undefined);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: await text(answer) };
}
type Ask = { host: string; method?: string; path?: string; headers?: Record<string, string> };

describe("the gate of Temporal's Web UI", () => {
  let [gate, ui]: Server[] = [];
  let port: number;
  let reached: string[] = [];
  beforeAll(async () => {
    const place = await hiddenPlace();
    ui = createServer(({ method = '', url = '' }, response) => {
      reached.push(`${method} ${url}`);
      response.setHeader('set-cookie', '_csrf=1').end('the Web UI');
    });
    await once(ui.listen(place.port, place.address), 'listening');
    port = await freePort();
    gate = await startGate(port, place);
  });
  afterAll(() => {
    gate?.close();
    ui?.close();
  });
  const asked = async (given: Ask) => {
    reached = [];
    const { status } = await ask(port, given);
    return { status, reached };
  };
  const CANCEL = '/api/v1/namespaces/default/workflows/registration-1/cancel';

  it.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])('answers at http://%s', async (name) => {
    const host = `${name}:${port}`;
    expect(await asked({ host })).toEqual({ status: 200, reached: ['GET /'] });
    const origin = `http://${host.toLowerCase()}`;
    const headers = { origin, 'sec-fetch-site': 'same-origin' };
    expect(await asked({ host, method: 'POST', path: CANCEL, headers })).toEqual({
      status: 200,
      reached: [`POST ${CANCEL}`],
    });
  });

  it.each([
    ['another site', () => `${EVIL}:${port}`],
    ['another site at port 80', () => EVIL],
    ['a name that begins like this machine', () => `localhost.${EVIL}:${port}`],
    ['another port of this machine', () => 'localhost:3000'],
  ])('refuses a request in the name of %s, and nothing of it reaches the Web UI', async (_whose, host) => {
    for (const given of [
      { host: host() },
      { host: host(), path: '/api/v1/namespaces/default/workflows' },
      { host: host(), method: 'POST', path: CANCEL },
      { host: host(), path: `http://localhost:${port}/api/v1/namespaces` },
    ])
      expect(await asked(given)).toEqual({ status: 403, reached: [] });
  });

  it.each([
    ['a page of another site', { origin: `http://${EVIL}`, 'sec-fetch-site': 'cross-site' }],
    [
      'a form of another site',
      { origin: 'null', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ],
    ['a page at another port', { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['an image on a page at another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    ['an older browser on another site', { origin: `http://${EVIL}` }],
  ])('refuses what %s sends to the own name', async (_whose, headers) => {
    const host = `localhost:${port}`;
    expect(await asked({ host, method: 'POST', path: CANCEL, headers })).toEqual({
      status: 403,
      reached: [],
    });
  });

  it('follows a link from another page', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const host = `localhost:${port}`;
    expect((await asked({ host, path: '/namespaces/default/workflows', headers })).status).toBe(200);
  });

  it('says that the Web UI is not there, and goes on, while it is restarted', async () => {
    const other = await freePort();
    const lonely = await startGate(other, await hiddenPlace());
    for (let n = 0; n < 2; n++) expect((await ask(other, { host: `localhost:${other}` })).status).toBe(502);
    lonely.close();
  });
});

describe("Temporal's development server", () => {
  const folder = mkdtempSync(join(tmpdir(), 'registration-rebinding-'));
  let temporal: Awaited<ReturnType<typeof startTemporal>>;
  let gate: Server;
  beforeAll(async () => {
    const ui = await hiddenPlace();
    const logFile = join(folder, 'temporal.log');
    const [port, uiPort] = [await freePort(), await freePort()];
    temporal = await startTemporal({ report: () => undefined, port, ui, logFile, retentionDays: 1 });
    gate = await startGate(uiPort, ui);
  });
  afterAll(async () => {
    gate.close();
    await temporal.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows and cancels runs through the gate in its own name only', async () => {
    const connection = await Connection.connect({ address: temporal.address });
    const client = new WorkflowClient({ connection });
    const run = await client.start('any', { workflowId: 'any', taskQueue: 'any' });
    const { port } = gate.address() as AddressInfo;
    const path = '/api/v1/namespaces/default/workflows/any';
    const own = `localhost:${port}`;
    await vi.waitUntil(async () => (await ask(port, { host: own, path })).status === 200, {
      timeout: 20_000,
    });
    expect((await ask(port, { host: own, path })).body).toContain(run.firstExecutionRunId);
    expect((await ask(port, { host: own })).body).toContain('<html');
    for (const method of ['GET', 'POST']) {
      const { status, body } = await ask(port, { host: `${EVIL}:${port}`, method, path });
      expect([status, body]).toEqual([403, expect.not.stringContaining(run.firstExecutionRunId)]);
    }
    await connection.close();
  });

  it.runIf(process.platform === 'linux')('answers its own HTTP API in its own name only', async () => {
    const path = '/api/v1/namespaces';
    const statusOf = (port: number, host: string) =>
      ask(port, { host: `${host}:${port}`, path }).then(
        ({ status }) => status,
        () => undefined,
      );
    const answering: number[] = [];
    for (const port of listeningPorts(temporal.pid))
      if ((await statusOf(port, '127.0.0.1')) === 200) answering.push(port);
    expect(answering).toHaveLength(1);
    for (const port of answering) expect(await statusOf(port, EVIL)).toBe(403);
  });
});

/** Returns the ports of 127.0.0.1 at which a process listens (proc(5)); Temporal chooses some of them by itself. */
function listeningPorts(pid: number): number[] {
  const [own, listens] = ['0100007F', '0A'];
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , , state, , , , , , inode]) => state === listens && sockets.includes(`socket:[${inode ?? ''}]`),
    )
    .map(([, local = '']) => local.split(':'))
    .filter(([address]) => address === own)
    .map(([, port = '']) => parseInt(port, 16));
}

describe('the sandbox', () => {
  it('shows its mails and payments, and approves payments, in its own name only', async () => {
    const sandbox = await startSandbox();
    const { port } = new URL(sandbox.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`])
      expect((await ask(Number(port), { host, path: '/sandbox/ledger' })).status).toBe(200);
    for (const path of ['/', '/sandbox/ledger', '/sandbox/faults'])
      expect((await ask(Number(port), { host: `${EVIL}:${port}`, path })).status).toBe(403);
    await sandbox.close();
  });
});
