/** Asks PayPal for the fees that are not known yet: slowly, and where it stopped before. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/connection.ts';
import { claimWithoutFee, noteFee, releaseWithoutFee, type WithoutFee } from '../database/fees.ts';
import type { PayPal } from '../vendors/paypal/client.ts';
import { VendorError } from '../vendors/vendor-error.ts';

const TIMEOUT_MS = 10_000;
/** One worker asks PayPal at most five times a second for it, so that payments are not held up. */
const PAUSE_MS = 200;
/** What one worker has taken on at a time. */
const BATCH = 20;
const EVERY_MS = 3_600_000;

type Dependencies = { database: Database; paypal: Pick<PayPal, 'getCapture' | 'getRefund'> };

/**
 * Reads all fees that are not known yet. What PayPal does not know is asked for again a day later.
 * @returns how many fees are known now that were not before
 * @throws VendorError, or the error of the database, when one of them is away
 */
export async function readFees(
  { database, paypal }: Dependencies,
  { pauseMs = PAUSE_MS, signal }: { pauseMs?: number; signal?: AbortSignal } = {},
): Promise<number> {
  let known = 0;
  for (;;) {
    const claimed = await claimWithoutFee(database, BATCH);
    if (claimed.length === 0) return known;
    try {
      for (let next = claimed[0]; next; next = claimed[0]) {
        signal?.throwIfAborted();
        const fee = await feeOf(paypal, next);
        if (fee) {
          await noteFee(database, next, fee.minor);
          known++;
        }
        claimed.shift();
        await sleep(pauseMs, undefined, { signal });
      }
    } finally {
      await releaseWithoutFee(database, claimed);
    }
  }
}

/** A fee as PayPal says; undefined where it does not say, or does not know the payment. */
async function feeOf(paypal: Dependencies['paypal'], { kind, id }: WithoutFee) {
  try {
    const told = await (kind === 'capture'
      ? paypal.getCapture(id, TIMEOUT_MS)
      : paypal.getRefund(id, TIMEOUT_MS));
    return told.fee;
  } catch (error) {
    if (error instanceof VendorError && error.final) return undefined;
    throw error;
  }
}

/** Reads them now and every hour. What fails is done the next time. Returns a function that stops it. */
export function readFeesHourly(
  dependencies: Dependencies,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const read = async () => {
    while (!signal.aborted) {
      await readFees(dependencies, { signal }).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      });
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const reading = read();
  return async () => {
    stopping.abort();
    await reading;
  };
}
