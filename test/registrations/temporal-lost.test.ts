/** A Temporal server that was lost with all its runs: what is in the database and at PayPal comes to its end without it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { storeAdditions } from '../../src/database/additions.ts';
import { findOrphans, repair } from '../../src/registrations/reconciliation.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { startRefund } from '../../src/temporal/runs.ts';
import { emailOf, formOf } from '../../stage/person.ts';
import { startOwnTemporal } from '../own-temporal.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { isLeftWith } from '../workflows/dev-server.ts';

let server: Awaited<ReturnType<typeof startOwnTemporal>>;
let stack: Stack;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  server = await startOwnTemporal();
  stack = await startStack({ answerWithinMs: 5000, settings: { TEMPORAL_ADDRESS: server.address } });
  stopWorker = await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const handleOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
function someone(options: { ticketType?: string; newsletter?: boolean } = {}) {
  const id = randomUUID();
  return anAttendee(stack, formOf(id, options), id);
}
async function registered() {
  const ada = someone();
  // On a busy machine, the outcome is known later.
  expect([201, 202]).toContain((await ada.register()).statusCode);
  await handleOf(ada.id).result();
  return ada;
}
const captured = (id: string) => stack.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === id);
const mailsTo = (id: string, category = 'confirmation') =>
  stack.sandbox
    .ledger()
    .mails.filter(
      ({ customArgs, categories }) => customArgs.registrationId === id && categories.includes(category),
    );

it(
  'finishes what the lost runs were to do, once, and leaves alone what was done',
  { timeout: 120_000 },
  async () => {
    const { sandbox, database, temporal, taskQueue } = stack;
    const done = await registered();
    const declined = someone();
    await declined.register(CARDS.declined);
    const pending = someone();
    await pending.register(CARDS.pending);
    await isLeftWith(handleOf(pending.id), 'settlePayment');
    const refunding = await registered();
    const organizer = randomUUID();
    // The money is taken, and nobody knows yet.
    const paid = someone();
    sandbox.faults.set('paypal', { mode: 'cut', only: '/capture' });
    const paying = paid.register();
    await vi.waitUntil(() => captured(paid.id).length > 0, { timeout: 10_000 });
    await handleOf(paid.id).terminate();
    await paying;
    sandbox.faults.clear();
    const unmailed = someone();
    for (const vendor of ['sendgrid', 'mailchimp'] as const)
      sandbox.faults.set(vendor, { mode: 'unreachable' });
    await unmailed.register();
    await isLeftWith(handleOf(unmailed.id), 'sendConfirmation', 'addToMailingList');
    const added = { registration: randomUUID(), action: randomUUID(), organizer };
    const person = {
      firstName: 'Ada',
      lastName: 'Example',
      email: emailOf(added.registration),
      language: 'en',
    };
    const amount = { minor: 0, currency: 'EUR' };
    await storeAdditions(database, [{ id: added.registration, ...added, ...about, ...person, amount }]);

    sandbox.faults.set('paypal', { mode: 'unreachable', only: '/refund' });
    const request = {
      registration: refunding.id,
      action: randomUUID(),
      organizer,
      reason: '',
      cancels: true,
    };
    await startRefund(temporal, { ...request, amount: null }, about, { taskQueue });
    await isLeftWith(temporal.workflow.getHandle(refundWorkflowId(request.action)), 'sendRefund');

    await stopWorker();
    await server.lose();
    sandbox.faults.clear();
    stopWorker = await stack.startWorker();
    const before = sandbox.ledger();

    const orphans = await findOrphans(stack, 0);
    const outcomes = Object.fromEntries(
      await Promise.all(
        orphans.map(async (orphan) => [orphan.id, (await repair(stack, orphan)).outcome] as const),
      ),
    );
    expect(outcomes).toEqual({
      [pending.id]: 'payment-pending',
      [refunding.id]: 'resumed',
      [paid.id]: 'undone',
      [unmailed.id]: 'resumed',
      [added.registration]: 'resumed',
    });
    // Twice, and at the same time: nothing is done once more.
    for (const orphan of orphans) await repair(stack, orphan);
    await vi.waitUntil(async () => {
      const left = await findOrphans(stack, 0);
      const open = await database('step_outcomes').where({ state: 'open' });
      return left.every(({ id }) => id === pending.id) && open.length === 0;
    }, 30_000);

    for (const { id } of [done, unmailed]) {
      expect(mailsTo(id)).toHaveLength(1);
      expect(captured(id)).toMatchObject([{ status: 'COMPLETED' }]);
      expect(
        sandbox.ledger().members.filter(({ email_address }) => email_address === emailOf(id)),
      ).toHaveLength(1);
    }
    expect(mailsTo(added.registration)).toHaveLength(1);
    expect(await database('orders').where({ id: added.registration })).toMatchObject([{ source: 'by-hand' }]);
    for (const { id } of [refunding, paid]) expect(captured(id)).toMatchObject([{ status: 'REFUNDED' }]);
    expect(sandbox.ledger().captures).toHaveLength(before.captures.length);
    expect(sandbox.ledger().refunds).toHaveLength(2);
    // A card was declined, and its owner takes another one: a new run takes the payment.
    expect((await declined.register()).statusCode).toBe(201);
    expect(captured(declined.id).filter(({ status }) => status === 'COMPLETED')).toHaveLength(1);
    // PayPal decides at last.
    sandbox.settle(captured(pending.id)[0]?.id ?? '', 'COMPLETED');
    const [decided] = await findOrphans(stack, 0);
    expect(decided && (await repair(stack, decided))).toEqual({ outcome: 'undone' });
    expect(captured(pending.id)).toMatchObject([{ status: 'REFUNDED' }]);
  },
);
