/** A Temporal server that was lost with all its runs: what is in the database and at PayPal comes to its end without it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { storeAdditions } from '../../src/database/additions.ts';
import { note } from '../../src/database/history.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { findOrphans, repair } from '../../src/registrations/reconciliation.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { reference } from '../../src/reference.ts';
import { FREE, workflowId, type Order } from '../../src/registration.ts';
import { erase } from '../../src/registrations/erasure.ts';
import { sealClaimed } from '../../src/temporal/claimed-order.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { startRefund } from '../../src/temporal/runs.ts';
import { emailOf, formOf } from '../../stage/person.ts';
import { startOwnTemporal } from '../own-temporal.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { isLeftWith } from '../workflows/dev-server.ts';
import { anOrder } from '../workflows/stand-ins.ts';

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
/** Somebody whose payment is taken, as nobody knows yet: the run is stopped while the answer is lost. */
async function paidInDoubt(options: { newsletter?: boolean } = {}) {
  const ada = someone(options);
  stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture' });
  const paying = ada.register();
  await vi.waitUntil(() => captured(ada.id).length > 0, { timeout: 10_000 });
  await handleOf(ada.id).terminate();
  await paying;
  stack.sandbox.faults.clear();
  return ada;
}
/** Somebody whose seat is claimed with an order, when nothing else has happened yet. */
async function claimedFor(paypalOrderId: string, id: string, order: Partial<Order>) {
  const kept = { paypalOrderId, order: anOrder({ id, paypalOrderId: null, ...order }) };
  const { payloadCodecs } = stack.temporal.options.loadedDataConverter;
  await claimSeat(stack.database, id, paypalOrderId, await sealClaimed(payloadCodecs, kept));
}
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
    const paid = await paidInDoubt();
    // As a version before left it.
    const [former, cancelled] = [await paidInDoubt(), await paidInDoubt()];
    await database('seat_holds').where({ id: former.id }).update({ claimed_order: null });
    await note(database, { registration: cancelled.id, kind: 'cancel-asked' });
    const untaken = someone();
    await claimedFor((await untaken.approve()) ?? '', untaken.id, {});
    const free = someone({ ticketType: 'free' });
    await free.put();
    const { attendee } = free.form;
    await claimedFor(FREE, free.id, {
      ...{ attendee, amount: { minor: 0, currency: 'EUR' }, ticketType: { id: 'free', name: 'Free' } },
      confirmationToken: randomUUID(),
    });
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
      [pending.id]: 'resumed',
      [refunding.id]: 'resumed',
      [paid.id]: 'resumed',
      [former.id]: 'undone',
      [cancelled.id]: 'undone',
      [untaken.id]: 'undone',
      [free.id]: 'resumed',
      [unmailed.id]: 'resumed',
      [added.registration]: 'resumed',
    });
    // Twice, and at the same time: nothing is done once more.
    for (const orphan of orphans) await repair(stack, orphan);
    for (const { id } of [paid, free])
      expect(await handleOf(id).result()).toMatchObject({ status: 'confirmed' });
    // PayPal decides at last.
    await isLeftWith(handleOf(pending.id), 'settlePayment');
    sandbox.settle(captured(pending.id)[0]?.id ?? '', 'COMPLETED');
    await handleOf(pending.id).signal('paymentNews');
    expect(await handleOf(pending.id).result()).toMatchObject({ status: 'confirmed' });
    await vi.waitUntil(async () => {
      const left = await findOrphans(stack, 0);
      const open = await database('step_outcomes').where({ state: 'open' });
      return left.length === 0 && open.length === 0;
    }, 30_000);

    for (const { id } of [done, unmailed, paid, pending]) {
      expect(mailsTo(id)).toHaveLength(1);
      expect(captured(id)).toMatchObject([{ status: 'COMPLETED' }]);
      expect(
        sandbox.ledger().members.filter(({ email_address }) => email_address === emailOf(id)),
      ).toHaveLength(1);
    }
    expect(mailsTo(added.registration)).toHaveLength(1);
    expect(await database('orders').where({ id: added.registration })).toMatchObject([{ source: 'by-hand' }]);
    expect(mailsTo(free.id)).toHaveLength(1);
    // The address was confirmed in the lost run, and nobody is asked again.
    expect(mailsTo(free.id, 'confirm-address')).toEqual([]);
    expect(await database('orders').where({ id: free.id })).toMatchObject([{ email_confirmed: true }]);
    expect(captured(untaken.id)).toEqual([]);
    for (const { id } of [refunding, former, cancelled])
      expect(captured(id)).toMatchObject([{ status: 'REFUNDED' }]);
    expect(sandbox.ledger().captures).toHaveLength(before.captures.length);
    expect(sandbox.ledger().refunds).toHaveLength(3);
    expect(await database('seat_holds').whereNotNull('claimed_order')).toEqual([]);
    // A card was declined, and its owner takes another one: a new run takes the payment.
    expect((await declined.register()).statusCode).toBe(201);
    expect(captured(declined.id).filter(({ status }) => status === 'COMPLETED')).toHaveLength(1);
  },
);

it(
  'refunds a payment whose order was erased, and leaves one whose key is missing',
  { timeout: 60_000 },
  async () => {
    const { database, temporal } = stack;
    const [erased, sealed] = [await paidInDoubt(), await paidInDoubt()];
    const ofErased = () =>
      database('seat_holds').where({ id: erased.id }).pluck<(Buffer | null)[]>('claimed_order');
    const [kept] = await ofErased();
    expect(kept?.length).toBeGreaterThan(100);
    // It is encrypted.
    expect(kept?.toString('latin1')).not.toMatch(/Ada|example/);
    expect(await erase(stack, reference(erased.id))).toMatchObject({ outcome: 'erased' });
    expect(await ofErased()).toEqual([null]);
    // What was kept for somebody else cannot be read in its place.
    await database('seat_holds').where({ id: sealed.id }).update({ claimed_order: kept });
    await deleteRuns(erased.id, sealed.id);
    const orphans = await findOrphans(stack, 0);
    const outcomeOf = async (id: string) => {
      const orphan = orphans.find((one) => one.id === id);
      return orphan && (await repair(stack, orphan)).outcome;
    };
    expect(await outcomeOf(sealed.id)).toBe('unreadable');
    expect(await outcomeOf(erased.id)).toBe('undone');
    expect(captured(sealed.id)).toMatchObject([{ status: 'COMPLETED' }]);
    expect(captured(erased.id)).toMatchObject([{ status: 'REFUNDED' }]);
    expect(await ifThere(temporal.workflow.getHandle(workflowId(sealed.id)).describe())).toBeUndefined();
  },
);

/** Deletes runs, as Temporal does after the retention of the namespace. */
async function deleteRuns(...ids: string[]): Promise<void> {
  const { namespace } = stack.temporal.options;
  for (const id of ids) {
    const workflowExecution = { workflowId: workflowId(id) };
    await ifThere(stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }));
    await vi.waitUntil(async () => !(await ifThere(handleOf(id).describe())), { timeout: 20_000 });
  }
}
