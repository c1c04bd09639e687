/**
 * Terminates, cancels and resets runs at each of their steps, as an organizer can in Temporal's Web UI, and
 * then checks the records of the database and the vendors.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { aForm, emailOf } from '../stage/person.ts';
import type { Fault, Provider } from '../sandbox/vendors/faults.ts';
import type { Activities } from '../src/activities/index.ts';
import { findOrphans, repair } from '../src/registrations/reconciliation.ts';
import { workflowId, type Progress } from '../src/registration.ts';
import { anAttendee, CARDS, startStack, type Stack } from './stack.ts';
import { isLeftWith } from './workflows/dev-server.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 1000 });
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

type Attendee = ReturnType<typeof anAttendee>;
const handleOf = ({ id }: Attendee) =>
  stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(id));
const statusOf = async (attendee: Attendee) => (await attendee.status()).json<Progress>().status;

/** Returns what the database and the vendors have recorded for one registration. */
async function recordsOf({ id }: Attendee) {
  const { captures, mails, members } = stack.sandbox.ledger();
  const [order] = await stack.database('orders').where({ id }).select<{ status: string }[]>('status');
  return {
    captures: captures.filter(({ custom_id }) => custom_id === id).map(({ status }) => status),
    order: order?.status,
    seats: (await stack.database('seat_holds').where({ id })).length,
    confirmations: mails.filter(
      ({ customArgs, categories }) => customArgs.registrationId === id && categories.includes('confirmation'),
    ).length,
    subscriptions: members.filter(({ email_address }) => email_address === emailOf(id)).length,
  };
}

/** Creates an attendee with an e-mail address of their own. */
function somebody(): Attendee {
  const id = crypto.randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  return anAttendee(stack, aForm({ attendee }), id);
}

const CONFIRMED = {
  captures: ['COMPLETED'],
  order: 'confirmed',
  seats: 0,
  confirmations: 1,
  subscriptions: 1,
};

/** The steps of a run, with the card or fault that holds it up. {@link acceptOrders} holds up `saveOrder`. */
const STEPS: { step: keyof Activities; card?: string; fault?: [Provider, Fault] }[] = [
  { step: 'takePayment', fault: ['paypal', { mode: 'cut', only: '/capture' }] },
  { step: 'settlePayment', card: CARDS.pending },
  { step: 'saveOrder' },
  { step: 'sendConfirmation', fault: ['sendgrid', { mode: 'failing' }] },
  { step: 'addToMailingList', fault: ['mailchimp', { mode: 'failing' }] },
];

/** Has PostgreSQL accept new orders, or reject them with the error of a server that shuts down (57P03). */
const acceptOrders = (accept: boolean) =>
  stack.database.raw(
    accept
      ? 'drop trigger if exists refuse on orders'
      : `create or replace function refuse() returns trigger language plpgsql as
           $$ begin raise exception using errcode = '57P03'; end $$;
         create trigger refuse before insert on orders execute function refuse()`,
  );

/** Registers an attendee and waits until the run is held up in the given step. */
async function stopIn({ step, card, fault }: (typeof STEPS)[number]): Promise<Attendee> {
  const attendee = somebody();
  if (fault) stack.sandbox.faults.set(...fault);
  if (step === 'saveOrder') await acceptOrders(false);
  await attendee.register(card);
  await isLeftWith(handleOf(attendee), step);
  return attendee;
}

/** Ends all faults and lets PayPal complete a pending capture. */
async function endFaults({ id }: Attendee): Promise<void> {
  stack.sandbox.faults.clear();
  await acceptOrders(true);
  for (const capture of stack.sandbox.ledger().captures)
    if (capture.custom_id === id && capture.status === 'PENDING')
      stack.sandbox.settle(capture.id, 'COMPLETED');
}

describe('a terminated run', () => {
  it.each(STEPS)('in $step is found and is resumed to its end once', async (step) => {
    const attendee = await stopIn(step);
    await handleOf(attendee).terminate();
    await endFaults(attendee);

    // Temporal lists a stopped run a moment later.
    const [orphan, ...others] = await vi.waitUntil(
      async () => {
        const found = await findOrphans(stack, 0);
        return found.length > 0 && found;
      },
      { timeout: 10_000 },
    );
    expect([orphan?.id, orphan?.run, others]).toEqual([attendee.id, 'TERMINATED', []]);
    expect(JSON.stringify(orphan)).not.toMatch(/example\.org|Ada/);
    if (orphan)
      expect(await Promise.all([repair(stack, orphan), repair(stack, orphan)])).toContainEqual({
        outcome: 'resumed',
      });
    expect((await handleOf(attendee).result()).status).toBe('confirmed');
    expect(await findOrphans(stack, 0)).toEqual([]);
    expect(await recordsOf(attendee)).toEqual(CONFIRMED);
    expect(await statusOf(attendee)).toBe('confirmed');
  });

  it('that waited for another card needs no repair, and further payments are refused', async () => {
    const attendee = somebody();
    expect((await attendee.register(CARDS.declined)).statusCode).toBe(402);
    await handleOf(attendee).terminate();
    expect(await findOrphans(stack, 0)).toEqual([]);
    const response = await attendee.register();
    expect([response.statusCode, response.json()]).toEqual([
      409,
      expect.objectContaining({ type: '/problems/was-cancelled' }),
    ]);
    expect((await recordsOf(attendee)).captures).toEqual(['DECLINED']);
    expect((await attendee.put()).json()).toMatchObject({ type: '/problems/registration-over' });
    expect(await statusOf(attendee)).toBe('cancelled');
  });
});

describe('a cancelled run', () => {
  // In `settlePayment` the run first waits for PayPal's decision, which test/workflows covers.
  it.each(STEPS.filter(({ step }) => step !== 'settlePayment'))(
    'in $step is undone, and the attendee is told by mail',
    async (step) => {
      const attendee = await stopIn(step);
      await handleOf(attendee).cancel();
      await endFaults(attendee);
      expect((await handleOf(attendee).result()).status).toBe('cancelled');
      const { captures, order, seats } = await recordsOf(attendee);
      expect({ captures, seats }).toEqual({ captures: ['REFUNDED'], seats: 0 });
      expect(order ?? 'cancelled').toBe('cancelled');
      expect(await statusOf(attendee)).toBe('cancelled');
      const told = stack.sandbox
        .ledger()
        .mails.filter(({ customArgs }) => customArgs.registrationId === attendee.id);
      expect(told.filter(({ categories }) => categories.includes('cancelled'))).toHaveLength(1);
    },
  );
});

describe('a reset', () => {
  /** Resets the run to each of its workflow tasks, one after the other, as the Web UI does. */
  async function resetEverywhere(attendee: Attendee): Promise<void> {
    const { namespace } = stack.temporal.options;
    const { events = [] } = await handleOf(attendee).fetchHistory();
    const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
    expect(tasks.length).toBeGreaterThan(1);
    const { runId } = await handleOf(attendee).describe();
    for (const { eventId } of tasks) {
      await stack.temporal.workflowService.resetWorkflowExecution({
        namespace,
        workflowExecution: { workflowId: workflowId(attendee.id), runId },
        reason: 'test',
        workflowTaskFinishEventId: eventId ?? null,
        requestId: crypto.randomUUID(),
      });
      await handleOf(attendee).result();
    }
  }

  it('causes no second charge, order or subscription at any point of a confirmed registration', async () => {
    const attendee = somebody();
    expect((await attendee.register()).statusCode).toBe(201);
    await handleOf(attendee).result();
    const sold = () =>
      stack.database('ticket_types').where({ id: 'regular' }).first<{ sold: number }>('sold');
    const before = await sold();
    await resetEverywhere(attendee);
    const { confirmations, ...rest } = await recordsOf(attendee);
    expect(rest).toEqual({ captures: ['COMPLETED'], order: 'confirmed', seats: 0, subscriptions: 1 });
    expect(confirmations).toBeGreaterThan(0);
    expect(await sold()).toEqual(before);
    expect(await statusOf(attendee)).toBe('confirmed');
    expect((await attendee.put()).statusCode).toBe(409);
  });

  it('keeps the refund and charges nothing at any point of a cancelled registration', async () => {
    const attendee = await stopIn({ step: 'sendConfirmation', fault: ['sendgrid', { mode: 'failing' }] });
    await handleOf(attendee).cancel();
    stack.sandbox.faults.clear();
    expect((await handleOf(attendee).result()).status).toBe('cancelled');
    await resetEverywhere(attendee);
    const { captures, order, seats } = await recordsOf(attendee);
    expect({ captures, order, seats }).toEqual({ captures: ['REFUNDED'], order: 'cancelled', seats: 0 });
  });
});
