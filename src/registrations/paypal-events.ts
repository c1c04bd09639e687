/**
 * What an event of PayPal leads to. The event is only a hint: PayPal is asked for the truth, so that events may come twice, late and in any
 * order. Everything is done before the event is answered, and stored with its effect in one transaction. A run of its own would be as
 * durable, but PayPal sends an event for three days until it is answered, so that nothing else has to remember it.
 */
import type { Client } from '@temporalio/client';
import { look, startClock, type Left } from '../activities/refund.ts';
import { findCaptured } from '../database/captures.ts';
import type { Database } from '../database/connection.ts';
import { enterDispute } from '../database/disputes.ts';
import {
  cancelReversal,
  findReversals,
  noteRefundsByHand,
  noteReversal,
  withoutOwn,
  type GoneBack,
} from '../database/refunds.ts';
import { standing } from '../database/seats/lock.ts';
import { isKnownEvent, onceForEvent, type WebhookEvent } from '../database/webhook-events.ts';
import { tellPaymentNews } from '../temporal/runs.ts';
import type { PayPal } from '../vendors/paypal/client.ts';
import type { Refund } from '../vendors/paypal/outcome.ts';
import { VendorError } from '../vendors/vendor-error.ts';

/** An event as PayPal has sent it; of its body, only what it is about. */
export type PaypalEvent = {
  id: string;
  kind: string;
  /** The id of the capture, the refund or the dispute. */
  about: string;
  /** Whether `about` is a capture. Events about refunds and reversals are about a refund (developer.paypal.com, webhook events). */
  isCapture: boolean;
};

type Dependencies = { database: Database; paypal: PayPal; temporal: Client };
/** A payment of ours. */
type Ours = { registration: string; captureId: string; paypalOrderId: string | null };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Acts on an event, once. Events about payments of others, and of kinds that are of no interest, have no effect.
 * @throws VendorError, or the error of the database or of Temporal, when they are away: then PayPal has to send the event again
 */
export async function applyPaypalEvent(dependencies: Dependencies, event: PaypalEvent): Promise<void> {
  const stored: WebhookEvent = { vendor: 'PayPal', id: event.id, kind: event.kind };
  const act = actionFor(event.kind);
  if (!act || (await isKnownEvent(dependencies.database, stored))) return;
  await act(dependencies, event, stored, startClock());
}

type Act = (
  dependencies: Dependencies,
  event: PaypalEvent,
  stored: WebhookEvent,
  left: Left,
) => Promise<void>;

function actionFor(kind: string): Act | undefined {
  switch (kind) {
    case 'PAYMENT.CAPTURE.COMPLETED':
    case 'PAYMENT.CAPTURE.DENIED':
    case 'PAYMENT.CAPTURE.DECLINED':
      return decided;
    case 'PAYMENT.CAPTURE.REFUNDED':
    case 'PAYMENT.CAPTURE.REVERSED':
      return wentBack;
    case 'CUSTOMER.DISPUTE.CREATED':
    case 'CUSTOMER.DISPUTE.UPDATED':
    case 'CUSTOMER.DISPUTE.RESOLVED':
      return disputed;
    default:
      return undefined;
  }
}

/** PayPal has sent an event about something that it does not find yet: the event has to come again. */
const unclear = (word: string) => new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', word });

/** The payment of ours that a capture is; undefined for a payment of another program at the same PayPal account. */
async function findOurs(
  { database, paypal }: Dependencies,
  captureId: string,
  left: Left,
): Promise<Ours | undefined> {
  const recorded = await findCaptured(database, captureId);
  if (recorded) return { ...recorded, captureId };
  const found = await paypal.findCapture(captureId, left());
  if (!found) throw unclear('UNKNOWN_CAPTURE');
  const { registrationId, paypalOrderId } = found;
  if (registrationId === undefined || !UUID.test(registrationId)) return undefined;
  const { ordered, over, hold } = await standing(database, registrationId);
  return ordered || over || hold ? { registration: registrationId, captureId, paypalOrderId } : undefined;
}

/** A payment was taken or declined. A run that waits for that asks at once; every other one knows already. */
const decided: Act = async (dependencies, { about }, stored, left) => {
  const { database, temporal } = dependencies;
  if (await findCaptured(database, about)) return;
  const ours = await findOurs(dependencies, about, left);
  if (!ours) return;
  await tellPaymentNews(temporal, ours.registration);
  await onceForEvent(database, stored, ours.registration, () => Promise.resolve());
};

/** Money went back. Our own refunds are entered by their runs. */
const wentBack: Act = async (dependencies, event, stored, left) => {
  const told = event.isCapture ? undefined : await dependencies.paypal.findRefund(event.about, left());
  if (!told && !event.isCapture) throw unclear('UNKNOWN_REFUND');
  const ours = await findOurs(dependencies, told?.captureId ?? event.about, left);
  if (!ours) return;
  const enter = await compare(dependencies, ours, left, told?.refund);
  const isReversal = event.kind === 'PAYMENT.CAPTURE.REVERSED';
  await onceForEvent(dependencies.database, stored, ours.registration, async (trx) => {
    if (isReversal && told && told.refund.status !== 'failed')
      await noteReversal(trx, ours, withAmount(told.refund));
    await enter(trx);
  });
};

/** Somebody disputes a payment, or the dispute goes on. What was taken back may be ours again when it ends. */
const disputed: Act = async (dependencies, { about }, stored, left) => {
  const dispute = await dependencies.paypal.findDispute(about, left());
  if (!dispute) throw unclear('UNKNOWN_DISPUTE');
  for (const captureId of dispute.captureIds) {
    const ours = await findOurs(dependencies, captureId, left);
    if (!ours) continue;
    const enter = await compare(dependencies, ours, left);
    // A dispute about several payments is one event for each of them.
    const each = { ...stored, id: `${stored.id}:${captureId}` };
    await onceForEvent(dependencies.database, each, ours.registration, async (trx) => {
      await enterDispute(trx, ours, dispute);
      await enter(trx);
    });
  }
};

/**
 * Compares the ledger with PayPal, outside of any transaction.
 * @param told a refund that PayPal may not list yet
 * @returns enters what the ledger does not have: refunds by hand, and reversals that were cancelled
 */
async function compare(
  { database, paypal }: Dependencies,
  ours: Ours,
  left: Left,
  told?: Refund,
): Promise<(trx: Database) => Promise<void>> {
  const { refunds } = await look(paypal, ours, left);
  const missing =
    told && told.status !== 'failed' && !refunds.some(({ refundId }) => refundId === told.refundId);
  const all = missing ? [...refunds, told] : refunds;
  const cancelled: string[] = [];
  for (const refundId of await findReversals(database, ours.captureId))
    if ((await paypal.findRefund(refundId, left()))?.refund.status === 'failed') cancelled.push(refundId);
  return async (trx) => {
    const others = await withoutOwn(trx, ours.registration, all);
    // One that PayPal has not completed may fail, and PayPal tells when it is done.
    const done = others.filter(({ status }) => status === 'done');
    await noteRefundsByHand(trx, ours, done.map(withAmount));
    for (const refundId of cancelled) await cancelReversal(trx, ours.registration, refundId);
  };
}

function withAmount({ refundId, amount, at }: Refund): GoneBack {
  if (!amount) throw unclear('REFUND_WITHOUT_AMOUNT');
  return { refundId, amount, at };
}
