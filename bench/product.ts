/** The product as it is measured: each part, including the sandbox, is a process of its own. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CARD, formOf } from '../stage/person.ts';
import { emptyFolder, startProduct, type Cluster } from '../stage/world.ts';
import type { Ticket } from '../stage/conference.ts';
import { freePort, start, until } from '../sandbox/servers/process.ts';
import { settingsFor, type Sandbox } from '../sandbox/vendors/server.ts';
import { each } from './measure.ts';

/** How many attendees are prepared concurrently, before anything is measured. */
const PREPARE_AT_ONCE = 16;

export type Product = Awaited<ReturnType<typeof startMeasured>>;
/** An attendee who has a hold and an approved PayPal order, and only has to submit the form. */
export type Ready = { id: string; paypalOrderId: string | null };

/** Starts the product with one worker by default. */
export async function startMeasured(
  options: {
    workers?: number;
    settings?: Record<string, string>;
    settingsOf?: (process: string) => Record<string, string>;
    tickets?: Ticket[];
    cluster?: Cluster;
  } = {},
) {
  const folder = emptyFolder('registration-bench');
  // Also after Ctrl-C, where nothing is stopped in order.
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const port = await freePort();
  const vendors = await start(
    'sandbox',
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../sandbox/vendors/server.ts', import.meta.url))],
    { logFile: join(folder, 'logs/sandbox.log'), env: { ...process.env, SANDBOX_PORT: String(port) } },
  );
  const vendorsUrl = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${vendorsUrl}/sandbox/faults`), vendors);
  const product = await startProduct({
    folder,
    vendors: settingsFor(vendorsUrl),
    workers: 1,
    ...options,
    settings: { LOG_LEVEL: 'warn', ...options.settings },
    postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
  });
  await product.database.raw('create extension pg_stat_statements');

  const agent = new Agent({ keepAlive: true, maxFreeSockets: Infinity });
  /** Avoids `fetch`: it takes several times the CPU time, and the client shares the product's machine. */
  const send = (method: string, url: string, body?: object): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const made = request(url, { method, agent, ...(body && { headers }) }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
        );
      });
      made
        // The server may close an idle connection just as it is reused. Retries then, as browsers do.
        .on('error', (error) => {
          if (made.reusedSocket) resolve(send(method, url, body));
          else reject(error);
        })
        .end(body && JSON.stringify(body));
    });
  const form = (id: string, ticketType: string) => formOf(id, { ticketType });

  const parts = () => ({
    api: product.pidsOf('api'),
    worker: product.pidsOf('worker'),
    Temporal: product.pidsOf('Temporal'),
    PostgreSQL: product.pidsOf('PostgreSQL'),
    sandbox: [vendors.pid],
  });

  return {
    ...product,
    parts,

    /** Makes SendGrid accept requests and never answer them. */
    async hangMails(): Promise<void> {
      await fetch(`${vendorsUrl}/sandbox/faults/sendgrid`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ mode: 'slow', ms: 600_000 }),
      });
    },

    /** Opens the form. */
    async look(): Promise<void> {
      const { status } = await send('GET', product.url);
      if (status !== 200) throw new Error(`The form returned ${status}`);
    },

    /** Requests a hold; returns the HTTP status and the PayPal order to approve. */
    async hold(id: string, ticketType = 'regular') {
      const { status, text } = await send('PUT', `${product.url}/api/checkouts/${id}`, form(id, ticketType));
      const { paypalOrderId = null } = JSON.parse(text) as { paypalOrderId?: string | null };
      return { status, paypalOrderId };
    },

    /** Approves a PayPal order as the card fields do. */
    async approve(paypalOrderId: string) {
      const { status } = await send('POST', `${vendorsUrl}/sandbox/card/approve`, {
        ...CARD,
        orderId: paypalOrderId,
      });
      if (status !== 200) throw new Error(`The card was not approved: ${status}`);
    },

    /** Submits the form and returns the HTTP status. */
    async register({ id, paypalOrderId }: Ready, ticketType = 'regular'): Promise<number> {
      const body = { ...form(id, ticketType), id, paypalOrderId };
      const { status } = await send('POST', `${product.url}/api/registrations`, body);
      return status;
    },

    /** Submits the form and throws unless that creates a registration. */
    async confirm(person: Ready): Promise<void> {
      const status = await this.register(person);
      if (status !== 201) throw new Error(`The registration returned ${status}`);
    },

    /** Creates attendees who have a hold and an approved PayPal order. */
    async prepare(count: number): Promise<Ready[]> {
      const ready: Ready[] = Array.from({ length: count }, () => ({ id: randomUUID(), paypalOrderId: null }));
      await each(ready, PREPARE_AT_ONCE, async (person) => {
        const { status, paypalOrderId } = await this.hold(person.id);
        if (status !== 201) throw new Error(`The seat was not held: ${status}`);
        if (paypalOrderId !== null) await this.approve(paypalOrderId);
        person.paypalOrderId = paypalOrderId;
      });
      return ready;
    },

    /** Throws unless each attendee has exactly one order, capture and email, and is in the audience. */
    async audit(people: Ready[]): Promise<void> {
      const ids = people.map(({ id }) => id);
      const ledger = (await (await fetch(`${vendorsUrl}/sandbox/ledger`)).json()) as ReturnType<
        Sandbox['ledger']
      >;
      const orders = await product
        .database('orders')
        .where({ status: 'confirmed' })
        .select<{ id: string }[]>('id');
      const mails = ledger.mails.map(({ customArgs }) => customArgs.registrationId);
      const emails = new Set(ledger.members.map(({ email_address }) => email_address));
      const captures = ledger.captures.map(({ custom_id }) => custom_id);
      for (const [what, found] of Object.entries({
        order: orders.map(({ id }) => id),
        capture: captures,
        email: mails,
      })) {
        const counts = new Map<unknown, number>();
        for (const id of found) counts.set(id, (counts.get(id) ?? 0) + 1);
        const wrong = ids.filter((id) => counts.get(id) !== 1);
        if (wrong.length > 0)
          throw new Error(`${wrong.length} of ${ids.length} do not have exactly one ${what}`);
      }
      const missing = ids.filter((id) => !emails.has(form(id, 'regular').attendee.email));
      if (missing.length > 0) throw new Error(`${missing.length} of ${ids.length} are not in the audience`);
    },

    async stop() {
      agent.destroy();
      await product.stop(false);
      await vendors.stop(2000);
    },
  };
}
