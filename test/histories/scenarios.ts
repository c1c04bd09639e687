/** Each scenario is a way in which a run ends or waits. All are recorded for each shape of the workflows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../src/activities/index.ts';
import type { NextCancellations } from '../../src/cancel-event.ts';
import { ENDED } from '../../src/refund.ts';
import { CONFIRM_EMAIL, PAYMENT_NEWS, type Order } from '../../src/registration.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { isLeftWith, type DevServerRun } from '../workflows/dev-server.ts';
import { CAPTURED, declined, EVERYTHING, nothingLeft } from '../workflows/stand-ins.ts';

export type Scenario = {
  order?: Partial<Order>;
  activities?: Partial<Activities>;
  /** What happens to the run before it is recorded. The default is {@link toItsEnd}. */
  go?: (run: DevServerRun, order: Order) => Promise<unknown>;
};

export async function toItsEnd({ handle, pay }: DevServerRun): Promise<void> {
  await pay();
  await handle.result();
}

/** Fails without a stack trace, because a stack trace names folders of the machine. */
const fails = (type: string, { final = false, again = '1h' } = {}) => {
  const failure = ApplicationFailure.create({
    type,
    message: type,
    nonRetryable: final,
    ...(!final && { nextRetryDelay: again }),
  });
  failure.stack = `ApplicationFailure: ${type}`;
  return Promise.reject(failure);
};

/** Calls `first` the first time and `then` every other time. */
function afterwards<T>(first: () => Promise<never>, then: () => Promise<T>) {
  let failed = false;
  return () => {
    if (failed) return then();
    failed = true;
    return first();
  };
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const FREE_OF_CHARGE = { minor: 0, currency: 'EUR' };
/** Declines the first card and captures the next one. */
const firstDeclined: Partial<Activities> = {
  takePayment: ({ paypalOrderId }) =>
    Promise.resolve(paypalOrderId === 'A' ? declined(inAnHour()) : { ...CAPTURED, paypalOrderId }),
};
const TOKEN = '00000000-0000-4000-8000-000000000000';
const noMail: Partial<Activities> = { sendConfirmation: () => fails('SendGridUnavailable') };

export const scenarios: Record<string, Scenario> = {
  confirmed: { order: { language: 'de' } },
  'confirmed-with-answers': { order: { answers: { diet: 'Vegan', dinner: true } } },
  'confirmed-without-newsletter': { order: { newsletter: null } },
  'confirmed-without-mail': {
    activities: { sendConfirmation: () => fails('SendGridRejected', { final: true }) },
  },
  free: {
    order: { paypalOrderId: null, amount: FREE_OF_CHARGE, ticketType: { id: 'student', name: 'Student' } },
    activities: {
      takePayment: () => Promise.resolve({ ...CAPTURED, paypalOrderId: null, captureId: null }),
    },
  },
  'declined-then-confirmed': {
    activities: firstDeclined,
    go: async ({ handle, pay }, order) => {
      await pay();
      const ticketType = { id: 'limited', name: 'Limited' };
      const amount = { minor: 9000, currency: 'EUR' };
      await pay({ ...order, ticketType, amount, paypalOrderId: 'B' });
      await handle.result();
    },
  },
  'declined-then-cancelled': {
    activities: firstDeclined,
    go: async ({ handle, pay }) => {
      await pay();
      await handle.cancel();
      await handle.result();
    },
  },
  // The attendee renews the hold once.
  'declined-then-expired': {
    activities: {
      takePayment: () => Promise.resolve(declined('2001-01-01T00:00:00.000Z')),
      releaseHold: renewedOnce(),
    },
  },
  // There is no seat to claim.
  expired: {
    activities: { takePayment: () => Promise.resolve({ status: 'expired', attempts: 1 }) },
  },
  pending: {
    activities: {
      takePayment: () => Promise.resolve({ status: 'pending' }),
      settlePayment: afterwards(
        () => fails('PaymentPending', { again: '1s' }),
        () => Promise.resolve(CAPTURED),
      ),
    },
  },
  // PayPal tells that it knows, an hour before the run would ask again.
  'pending-then-told': {
    activities: {
      takePayment: () => Promise.resolve({ status: 'pending' }),
      settlePayment: afterwards(
        () => fails('PaymentPending'),
        () => Promise.resolve(CAPTURED),
      ),
    },
    go: async ({ handle, pay }) => {
      const paid = pay();
      while (!(await ifThere(handle.describe()))) await sleep(50);
      await isLeftWith(handle, 'settlePayment');
      await handle.signal(PAYMENT_NEWS);
      await paid;
      await handle.result();
    },
  },
  'in-doubt': { activities: { takePayment: () => fails('PayPalUnavailable', { final: true }) } },
  // The outcome is known only after the api has answered that it is not, so a mail tells the attendee.
  'late-failure': {
    activities: {
      takePayment: () => fails('PayPalUnavailable', { final: true }),
      settlePayment: afterwards(
        () => fails('PaymentInDoubt', { again: '21s' }),
        () => Promise.resolve({ status: 'rejected', reason: 'not-processed', heldUntil: null, attempts: 1 }),
      ),
    },
  },
  refunded: {
    activities: {
      ...noMail,
      saveOrder: afterwards(
        () => fails('DatabaseUnavailable', { again: '1s' }),
        () => fails('OrderImpossible', { final: true }),
      ),
    },
  },
  cancelled: {
    activities: noMail,
    go: async ({ handle, pay }) => {
      await pay();
      await isLeftWith(handle, 'sendConfirmation');
      await handle.cancel();
      await handle.result();
    },
  },
  // An organizer cancels at the desk what Temporal still works on.
  'ended-at-the-desk': {
    activities: noMail,
    go: async ({ handle, pay }) => {
      await pay();
      await isLeftWith(handle, 'sendConfirmation');
      await handle.signal(ENDED, 'cancelled');
      await handle.result();
    },
  },
  'unconfirmed-then-confirmed': {
    order: { confirmationToken: TOKEN },
    go: async ({ handle, pay }) => {
      await pay();
      await handle.signal(CONFIRM_EMAIL, TOKEN);
      await handle.result();
    },
  },
  'unconfirmed-then-cancelled': {
    order: { confirmationToken: TOKEN },
    go: async ({ handle, pay }) => {
      await pay();
      await handle.cancel();
      await handle.result();
    },
  },
  'open-unconfirmed': { order: { confirmationToken: TOKEN }, go: ({ pay }) => pay() },
  'open-waiting-for-another-card': { activities: firstDeclined, go: ({ pay }) => pay() },
  'open-waiting-for-the-mail': {
    activities: noMail,
    go: async ({ handle, pay }) => {
      await pay();
      await isLeftWith(handle, 'sendConfirmation');
    },
  },
  'open-waiting-for-the-order': {
    order: { newsletter: null },
    activities: { saveOrder: () => fails('DatabaseUnavailable') },
    go: async ({ handle, pay }) => {
      await pay();
      await isLeftWith(handle, 'saveOrder');
    },
  },
};

function renewedOnce(): Activities['releaseHold'] {
  let renewals = 1;
  return () => Promise.resolve(renewals-- > 0 ? new Date(Date.now() + 1500).toISOString() : null);
}

function audienceFollows(): ReturnType<Activities['changeOrder']> {
  return Promise.resolve({ status: 'changed', audience: true });
}

/** Actions of organizers: what the activities answer, and what the run waits for when it is recorded open. */
export const actions: Record<
  string,
  {
    does?: 'cancel' | 'resend' | 'subscribe' | 'answer' | 'correct' | 'move';
    activities?: Partial<Activities>;
    openWith?: keyof Activities;
  }
> = {
  'refund-made': {},
  'refunded-and-cancelled': {
    activities: {
      sendRefund: () => Promise.resolve({ status: 'done', amount: EVERYTHING, ended: 'refunded' }),
    },
  },
  'refund-refused': {
    activities: {
      sendRefund: () => Promise.resolve({ status: 'refused', word: 'REFUND_FAILED_INSUFFICIENT_FUNDS' }),
    },
  },
  'refund-impossible': { activities: { askRefund: () => Promise.resolve({ status: 'nothing-left' }) } },
  'open-refund': {
    activities: { sendRefund: () => fails('PayPalUnavailable') },
    openWith: 'sendRefund',
  },
  'open-refund-to-be-told': {
    activities: { tellAttendee: () => fails('SendGridUnavailable') },
    openWith: 'tellAttendee',
  },
  'cancelled-at-the-desk': { does: 'cancel' },
  'hold-cancelled-at-the-desk': {
    does: 'cancel',
    activities: {
      cancelOrder: () => Promise.resolve({ status: 'open' }),
      askRefund: () => Promise.resolve({ status: 'no-order' }),
    },
  },
  // The run of the registration has saved an order between the decision and its cancellation.
  'order-undone-at-the-desk': {
    does: 'cancel',
    activities: {
      cancelOrder: () => Promise.resolve({ status: 'open' }),
      sendRefund: () => Promise.resolve({ status: 'done', amount: EVERYTHING, ended: 'refunded' }),
    },
  },
  'changed-at-the-desk': { does: 'resend' },
  'subscribed-at-the-desk': { does: 'subscribe' },
  'answered-at-the-desk': { does: 'answer' },
  'change-impossible': {
    does: 'resend',
    activities: { changeOrder: () => Promise.resolve({ status: 'not-confirmed' }) },
  },
  'moved-at-the-desk': { does: 'move' },
  'corrected-at-the-desk': { does: 'correct', activities: { changeOrder: audienceFollows } },
  'open-correction': {
    does: 'correct',
    activities: { changeOrder: audienceFollows, moveSubscription: () => fails('MailchimpUnavailable') },
    openWith: 'moveSubscription',
  },
  'open-change': {
    does: 'resend',
    activities: { sendAgain: () => fails('SendGridUnavailable') },
    openWith: 'sendAgain',
  },
};

const noFirstMail: Partial<Activities> = { confirmAdded: () => fails('SendGridUnavailable') };

/** Registrations that organizers add: what happens to the run once it waits for `openWith`, before it is recorded. */
export const additions: Record<
  string,
  {
    activities?: Partial<Activities>;
    openWith?: keyof Activities;
    go?: (run: WorkflowHandle) => Promise<unknown>;
  }
> = {
  added: {},
  'added-paid-elsewhere': {
    activities: {
      addOrder: () => Promise.resolve({ decision: { status: 'added' }, paid: true, attempts: 1 }),
    },
  },
  'added-without-mail': {
    activities: { confirmAdded: () => fails('SendGridRejected', { final: true }) },
  },
  'not-added': {
    activities: {
      addOrder: () => Promise.resolve({ decision: { status: 'sold-out' }, paid: false, attempts: 2 }),
    },
  },
  'added-then-cancelled': { activities: noFirstMail, openWith: 'confirmAdded', go: (run) => run.cancel() },
  'added-then-ended-at-the-desk': {
    activities: noFirstMail,
    openWith: 'confirmAdded',
    go: (run) => run.signal(ENDED, 'cancelled'),
  },
  'open-addition-to-be-saved': {
    activities: { addOrder: () => fails('DatabaseUnavailable') },
    openWith: 'addOrder',
  },
  'open-addition-to-be-mailed': { activities: noFirstMail, openWith: 'confirmAdded' },
};

/** Imports: the numbers of the registrations in each batch, from a number on. */
export const imports: Record<
  string,
  { batches: (from: number) => number[][]; activities?: Partial<Activities>; openWith?: keyof Activities }
> = {
  imported: { batches: (from) => [[from, from + 1], [from + 2]] },
  'imported-nobody': {
    batches: (from) => [[from]],
    activities: {
      addOrder: () => Promise.resolve({ decision: { status: 'event-over' }, paid: false, attempts: 1 }),
    },
  },
  'imported-as-a-new-run': {
    batches: (from) => [from, from + 1, from + 2, from + 3, from + 4].map((n) => [n]),
  },
  'open-import': {
    batches: (from) => [[from]],
    activities: { addOrder: () => fails('DatabaseUnavailable') },
    openWith: 'addOrder',
  },
};
/** Events that are cancelled: what the run sees at each look, and the run that is recorded. */
export const cancelledEvents: Record<
  string,
  { looks: NextCancellations[]; eventsPerRun?: number; isOpen?: true; continues?: true; records?: 'owners' }
> = {
  'event-cancelled': { looks: [underWay('refund', 1), underWay('cancel', 2), nothingLeft()] },
  'open-event-paused-for-funds': {
    looks: [underWay('refund', 3), nothingLeft({ finished: false, paused: 'funds', pauses: 1 })],
    isOpen: true,
  },
  'open-event-in-the-middle': {
    looks: [underWay('refund', 4), nothingLeft({ finished: false })],
    isOpen: true,
  },
  'event-continued-as-new': {
    looks: [underWay('refund', 5), nothingLeft({ finished: false }), nothingLeft()],
    eventsPerRun: 20,
    continues: true,
  },
  'owners-told': {
    looks: [nothingLeft({ finished: false, paused: 'funds', pauses: 1 }), nothingLeft()],
    records: 'owners',
  },
};

function underWay(does: 'refund' | 'cancel', position: number): NextCancellations {
  const id = (range: number) => `00000000-0000-4000-8000-${String(range + position).padStart(12, '0')}`;
  const one = { does, registration: id(300), action: id(400), organizer: id(500), again: null };
  return nothingLeft({
    finished: false,
    begin: [{ ...one, reference: 'ABCDEFGHJK', ticketType: 'regular' }],
    counts: { done: 0, refused: 0, left: 1 },
  });
}
