/** Runs `npm start` as a newcomer does: registers, kills parts, presses Ctrl-C, and starts it again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort, isTaken } from '../sandbox/servers/process.ts';
import type { Progress } from '../src/registration.ts';
import { aForm } from '../stage/person.ts';

const dataFolder = mkdtempSync(join(tmpdir(), 'registration-start-'));
const ports: Record<string, string> = {};
let product: ChildProcess;
let output = '';

beforeAll(async () => {
  chmodSync(dataFolder, 0o755);
  const names = [
    'PORT',
    'SANDBOX_PORT',
    'SANDBOX_TEMPORAL_PORT',
    'SANDBOX_TEMPORAL_UI_PORT',
    'SANDBOX_POSTGRES_PORT',
  ];
  for (const name of names) ports[name] = String(await freePort());
});
afterAll(async () => {
  await stop();
  rmSync(dataFolder, { recursive: true, force: true });
});

function launch(): void {
  output = '';
  product = spawn(process.execPath, ['--import', 'tsx', 'sandbox/start.ts'], {
    env: { ...process.env, ...ports, DATA_DIR: dataFolder },
  });
  for (const stream of [product.stdout, product.stderr])
    stream?.on('data', (text: Buffer) => (output += text.toString()));
}

async function stop(): Promise<void> {
  if (product.exitCode !== null) return;
  const ended = once(product, 'exit');
  product.kill('SIGINT');
  await ended;
}

const says = (text: string, timeout = 60_000) =>
  vi.waitUntil(() => output.includes(text), { timeout, interval: 100 });
const request = async (method: string, port: string, path: string, body?: object) => {
  const response = await fetch(`http://127.0.0.1:${ports[port]}${path}`, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const form = aForm({ event: 'open-knowledge-days' });
const status = async (id: string) => {
  const answer = await request('GET', 'PORT', `/api/registrations/${id}`);
  // A part that was killed may still be on its way.
  if (answer.status !== 200) throw new Error(`The status was answered with ${answer.status}`);
  return answer.body as Progress;
};
const done = (id: string) =>
  vi.waitUntil(
    async () => (await status(id).catch(() => undefined))?.steps.every(({ state }) => state === 'done'),
    {
      timeout: 60_000,
      interval: 250,
    },
  );
/** The events of PayPal and SendGrid that the api has accepted. */
async function accepted(): Promise<string[]> {
  const { body } = await request('GET', 'SANDBOX_PORT', '/sandbox/ledger');
  const deliveries = body.deliveries as { kind: string; state: string }[];
  return deliveries
    .filter(({ state }) => state === 'accepted')
    .map(({ kind }) => kind)
    .toSorted();
}
const pidOf = (name: string) =>
  Number(readFileSync(join(dataFolder, 'logs', `${name.toLowerCase()}.pid`), 'utf8'));

/** Returns what other users of the machine may read, in a folder that was open to them before. */
function openToOthers(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path)));
  return [folder, ...paths].filter((path) => existsSync(path) && (statSync(path).mode & 0o077) > 0);
}

/** Signs in as the owner that `npm start` has added, by the link that it has printed. */
async function signInByThePrintedLink(): Promise<void> {
  const [link = ''] = /http:\/\/\S+\/organizer\/sign-in\/[\w-]{43}/.exec(output) ?? [];
  const { origin } = new URL(link);
  const used = await fetch(link, { method: 'POST', headers: { origin }, redirect: 'manual' });
  expect([used.status, used.headers.get('location')]).toEqual([303, '/organizer']);
  const cookie = used.headers.getSetCookie().join('; ');
  const page = await fetch(`${origin}/organizer`, { headers: { cookie, accept: 'text/html' } });
  expect(await page.text()).toContain('organizer@example.org (Owner)');
}

it('names the port that is taken and the setting that changes it', async () => {
  const taken = createServer().listen(Number(ports.SANDBOX_POSTGRES_PORT), '127.0.0.1');
  await once(taken, 'listening');
  launch();
  await once(product, 'exit');
  taken.close();
  expect(product.exitCode).toBe(1);
  expect(output).toMatch(/Port \d+ is taken: .* SANDBOX_POSTGRES_PORT\./);
});

it(
  'registers, restarts parts that are killed, stops on Ctrl-C, and keeps all data for the next start',
  { timeout: 180_000 },
  async () => {
    launch();
    await says('Ctrl-C stops everything');

    await signInByThePrintedLink();

    await request('PUT', 'SANDBOX_PORT', '/sandbox/faults/sendgrid', { mode: 'failing', status: 503 });
    const id = randomUUID();
    const { body: checkout } = await request('PUT', 'PORT', `/api/checkouts/${id}`, form);
    const { paypalOrderId } = checkout;
    const card = { number: '4012888888881881', expiry: '12/34', cvv: '123' };
    await request('POST', 'SANDBOX_PORT', '/sandbox/card/approve', { orderId: paypalOrderId, ...card });
    const registered = await request('POST', 'PORT', '/api/registrations', { ...form, id, paypalOrderId });
    expect([registered.status, registered.body.status]).toEqual([201, 'confirmed']);

    // The run is still retrying the mail while these parts are killed, one after the other.
    for (const name of ['worker', 'Temporal', 'PostgreSQL', 'api']) {
      process.kill(pidOf(name), 'SIGKILL');
      await says(`${name} ended (SIGKILL): starting it again`);
    }
    await request('DELETE', 'SANDBOX_PORT', '/sandbox/faults');
    await done(id);
    // One that came while the api was killed is sent again after a minute.
    await vi.waitUntil(async () => (await accepted()).length === 2, { timeout: 90_000, interval: 500 });
    expect(await accepted()).toEqual(['PAYMENT.CAPTURE.COMPLETED', 'processed, delivered']);
    const webUi = `http://localhost:${ports.SANDBOX_TEMPORAL_UI_PORT}`;
    expect(output).toContain(webUi);
    expect((await fetch(`${webUi}/api/v1/namespaces/default/workflows/registration-${id}`)).status).toBe(200);
    expect(openToOthers(dataFolder)).toEqual([]);

    await stop();
    expect(product.exitCode).toBe(0);
    expect(await Promise.all(Object.values(ports).map((port) => isTaken(Number(port))))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);

    launch();
    await says('Ctrl-C stops everything');
    await signInByThePrintedLink();
    expect(await status(id)).toMatchObject({ status: 'confirmed' });
    const again = await request('POST', 'PORT', '/api/registrations', { ...form, id, paypalOrderId });
    expect(again).toEqual(registered);
    const { body: ledger } = await request('GET', 'SANDBOX_PORT', '/sandbox/ledger');
    expect(ledger).toMatchObject({
      captures: [{ status: 'COMPLETED' }],
      mails: [{}],
      members: [{ status: 'subscribed' }],
    });
    const logs = ['api', 'worker', 'sandbox']
      .map((name) => readFileSync(join(dataFolder, 'logs', `${name}.log`), 'utf8'))
      .join('');
    expect(logs).not.toMatch(/40128888|ada@example|Street 2/);
  },
);
