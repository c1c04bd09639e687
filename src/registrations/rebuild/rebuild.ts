/**
 * Rebuilds registrations that the database has lost, because it was restored from a backup: from what Temporal's histories say that was
 * done, and from what PayPal says of the refunds. Nothing is charged, refunded, mailed or subscribed here.
 */
import type { Client } from '@temporalio/client';
import { isConstraintViolation, type Database } from '../../database/connection.ts';
import { findPayment } from '../../database/orders.ts';
import type { Oversold } from '../../database/seats/rebuilt.ts';
import { registrationId, UNCONFIRMED } from '../../registration.ts';
import { reference } from '../../reference.ts';
import { sealClaimed } from '../../temporal/claimed-order.ts';
import { ifThere } from '../../temporal/client.ts';
import { decoderOf } from '../../temporal/payloads.ts';
import type { PayPal } from '../../vendors/paypal/client.ts';
import { effectsOf, type Effects } from './effects.ts';
import { enter, tryToEnter, type Known, type Missing } from './enter.ts';
import { findUnknown, type Run } from './find.ts';

const PAYPAL_TIMEOUT_MS = 10_000;

type Dependencies = { database: Database; temporal: Client; paypal: PayPal };

/**
 * A registration of which the database has lost something. `lost` says what, in kinds of effects; `missing` says what cannot be rebuilt:
 * besides the reasons of {@link Missing}, its history cannot be decrypted (`unreadable`), or its order cannot be stored (`impossible`).
 */
export type Lost = {
  id: string;
  reference: string;
  lost: string[];
  missing: (Missing | 'unreadable' | 'impossible')[];
};
/** `oversold`: ticket types of which more is sold than there was to sell. `events`: those that were cancelled, and are not any more. */
export type Report = { lost: Lost[]; oversold: Oversold[]; events: string[] };

/**
 * Finds everything that the database has lost, and enters it where `repairs` says so. Repeating it changes nothing.
 * @throws VendorError, or the error of the database or of Temporal when they are away: then it is to be repeated
 */
export async function rebuild(dependencies: Dependencies, repairs: boolean): Promise<Report> {
  const { database } = dependencies;
  const { registrations, actions, events } = await findUnknown(dependencies);
  const known = new Map<string, Effects | 'unreadable'>();
  for (const run of registrations) {
    const id = registrationId(run.workflowId);
    const read = await readRun(dependencies, { ...run, runId: undefined }, id);
    if (read) known.set(id, read.effects);
  }
  for (const run of actions) {
    const read = await readRun(dependencies, run);
    if (!read) continue;
    const before = known.get(read.registration);
    if (before === 'unreadable') continue;
    if (read.effects === 'unreadable') known.set(read.registration, 'unreadable');
    else {
      const effects = [...(before?.effects ?? []), ...read.effects.effects];
      known.set(read.registration, { ...before, effects });
    }
  }

  const report: Report = { lost: [], oversold: [], events };
  for (const [id, found] of known) {
    const about = { id, reference: reference(id) };
    if (found === 'unreadable') {
      report.lost.push({ ...about, lost: [], missing: ['unreadable'] });
      continue;
    }
    const effects = found.effects.toSorted((one, other) => one.at.getTime() - other.at.getTime());
    const all = { ...found, effects, registration: id, begun: await withSealed(dependencies, found) };
    const withPayPal = { ...all, refundsAtPayPal: await refundsOf(dependencies, all) };
    const entered = await (repairs ? enter : tryToEnter)(database, withPayPal).catch((error: unknown) => {
      if (!isConstraintViolation(error)) throw error;
      return { changed: false, missing: ['impossible' as const], oversold: [] };
    });
    const { changed, missing, oversold } = entered;
    const lost = [...new Set(effects.map(({ kind }) => kind)), ...(found.taken ? ['seat'] : [])];
    if (changed || missing.length > 0) report.lost.push({ ...about, lost, missing });
    for (const full of oversold) merge(report.oversold, full);
  }
  return report;
}

/** A claim that is entered keeps its order, as the one that was lost did. */
async function withSealed({ temporal }: Dependencies, { begun, taken }: Effects): Promise<Effects['begun']> {
  if (!begun || !taken?.claimedFor || taken.claimedFor === UNCONFIRMED) return begun;
  const claimed = { paypalOrderId: taken.claimedFor, order: begun.order };
  return { ...begun, sealed: await sealClaimed(temporal.options.loadedDataConverter.payloadCodecs, claimed) };
}

/** A ticket type is named once, with its capacity of before and all that was sold. */
function merge(all: Oversold[], full: Oversold): void {
  const same = all.find(({ event, ticketType }) => event === full.event && ticketType === full.ticketType);
  if (same) same.sold = Math.max(same.sold, full.sold);
  else all.push({ ...full });
}

/** What a run has done; undefined when its history was deleted meanwhile, as that of a person who was erased. */
async function readRun(
  { temporal }: Dependencies,
  run: Pick<Run, 'workflowId'> & { runId: string | undefined },
  registration?: string,
): Promise<{ registration: string; effects: Effects | 'unreadable' } | undefined> {
  const { namespace, loadedDataConverter } = temporal.options;
  const history = await ifThere(temporal.workflow.getHandle(run.workflowId, run.runId).fetchHistory());
  const events = history?.events ?? [];
  const decode = decoderOf(loadedDataConverter, { namespace, workflowId: run.workflowId });
  try {
    const started = events[0]?.workflowExecutionStartedEventAttributes;
    if (!started) return undefined;
    const id =
      registration ?? ((await decode(started.input?.payloads))[0] as { registration: string }).registration;
    return { registration: id, effects: await effectsOf(id, events, decode) };
  } catch {
    return { registration: registration ?? run.workflowId, effects: 'unreadable' };
  }
}

/** The refunds of the payment of a registration, as far as PayPal knows its order. */
async function refundsOf(
  { database, paypal }: Dependencies,
  { registration, payment, effects }: Omit<Known, 'refundsAtPayPal'>,
): Promise<Known['refundsAtPayPal']> {
  const saved = effects.find((effect) => effect.kind === 'order')?.payment;
  const id = (payment ?? saved ?? (await findPayment(database, registration)))?.paypalOrderId ?? null;
  return id === null ? [] : ((await paypal.findOrder(id, PAYPAL_TIMEOUT_MS))?.refunds ?? []);
}
