/** Provides what a workflow needs: an order as the api creates it, and activities that succeed. */
import { randomUUID } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../../src/activities/index.ts';
import type { NextCancellations } from '../../src/cancel-event.ts';
import type { Attempt, Captured, Order } from '../../src/registration.ts';

/** What an order costs. */
export const EVERYTHING = { minor: 12_000, currency: 'EUR' };

export const CAPTURED: Captured = {
  status: 'captured',
  paypalOrderId: 'A',
  captureId: 'CAPTURE',
  paidAt: '2027-01-01T00:00:00.000Z',
  attempts: 1,
};

/** Creates an order as the api does. A test overrides the fields that it is about. */
export function anOrder(overrides: Partial<Order> = {}): Order {
  return {
    id: randomUUID(),
    event: {
      id: 'conference',
      name: 'Conference',
      startsAt: '2027-05-14T07:00:00.000Z',
      endsAt: '2027-05-15T16:00:00.000Z',
      timeZone: 'Europe/Berlin',
      venue: 'Hall 4',
      seller: 'Society e.V.\nStreet 1',
    },
    ticketType: { id: 'regular', name: 'Regular' },
    attendee: { firstName: 'Ada', lastName: 'Example', email: 'ada@example.org' },
    billing: { addressLine1: 'Street 2', city: 'Hamburg', postalCode: '20457', countryCode: 'DE' },
    newsletter: { at: '2027-01-01T00:00:00.000Z', wording: '2026-11' },
    amount: EVERYTHING,
    paypalOrderId: 'A',
    ...overrides,
  };
}

/** What the run of a cancelled event sees when it is over; a test overrides what it is about. */
export const nothingLeft = (overrides: Partial<NextCancellations> = {}): NextCancellations => ({
  ...{ begin: [], paused: null, pauses: 0, finished: true, counts: { done: 0, refused: 0, left: 0 } },
  ...overrides,
});

/** Creates activities that succeed at once, except for those that the test replaces. */
export function standIns(replaced: Partial<Activities>): Activities {
  const done = { attempts: 1 };
  return {
    takePayment: ({ paypalOrderId }) => Promise.resolve({ ...CAPTURED, paypalOrderId }),
    settlePayment: ({ paypalOrderId }) => Promise.resolve({ ...CAPTURED, paypalOrderId }),
    refundPayment: () => Promise.resolve({ refunded: EVERYTHING }),
    saveOrder: () => Promise.resolve(done),
    addOrder: () => Promise.resolve({ decision: { status: 'added' }, paid: false, attempts: 1 }),
    confirmAdded: () => Promise.resolve(done),
    nextAdditions: () => Promise.resolve([]),
    noteRuns: () => Promise.resolve(),
    finishImport: () => Promise.resolve(),
    claimUnconfirmed: () => Promise.resolve(true),
    askToConfirm: () => Promise.resolve(done),
    releaseHold: () => Promise.resolve(null),
    giveSeatBack: (_id, status) => Promise.resolve({ status }),
    sendConfirmation: () => Promise.resolve(done),
    resendConfirmation: () => Promise.resolve(done),
    sendNotice: () => Promise.resolve(done),
    changeOrder: () => Promise.resolve({ status: 'changed' }),
    sendAgain: () => Promise.resolve(done),
    subscribeAgain: () => Promise.resolve(done),
    moveSubscription: () => Promise.resolve(done),
    tellAttendee: () => Promise.resolve(done),
    askRefund: ({ amount }) => Promise.resolve({ status: 'asked', amount: amount ?? EVERYTHING }),
    sendRefund: () => Promise.resolve({ status: 'done', amount: EVERYTHING, ended: null }),
    cancelOrder: () => Promise.resolve({ status: 'ended' }),
    nextCancellations: () => Promise.resolve(nothingLeft()),
    findOwners: () => Promise.resolve([]),
    mailPause: () => Promise.resolve(done),
    addToMailingList: () => Promise.resolve(done),
    mailSignInLink: () => Promise.resolve(done),
    ...replaced,
  };
}

/** Creates a declined attempt whose seat is held until the given time. */
export const declined = (heldUntil: string): Attempt => ({
  status: 'declined',
  reason: 'declined',
  heldUntil,
  attempts: 1,
});

/** Creates a promise that the test resolves by calling `open`. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

export type Activity = (...args: unknown[]) => Promise<unknown>;

/** Creates activities for a shared worker that call what is prepared for the workflow id of each run. */
export function activitiesByRun() {
  const activitiesOf = new Map<string, Record<string, unknown>>();
  const ofRun =
    (name: string): Activity =>
    (...args) => {
      const activity = activitiesOf.get(activityInfo().workflowExecution?.workflowId ?? '')?.[name];
      return (activity as Activity)(...args);
    };
  return {
    activities: Object.fromEntries(Object.keys(standIns({})).map((name) => [name, ofRun(name)])),
    /** Sets the activities of a run before it is started. */
    prepare: (id: string, activities: object) => void activitiesOf.set(id, { ...activities }),
  };
}
