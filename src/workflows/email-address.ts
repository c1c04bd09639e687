import {
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { CONFIRM_EMAIL, CONFIRM_WITHIN_MS, RATE_LIMITED, type Order } from '../registration.ts';
import { FOR_AN_HOUR, UNTIL_DONE } from './options.ts';
import type { Tracker } from './progress.ts';

const { claimUnconfirmed, releaseHold } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Keep the seat until the e-mail address is confirmed',
});
const { askToConfirm } = proxyActivities<Activities>({
  ...FOR_AN_HOUR,
  priority: RATE_LIMITED.email,
  summary: 'Mail the link that confirms the e-mail address',
});

export const confirmEmail = defineSignal<[token: string]>(CONFIRM_EMAIL);

/**
 * Keeps which e-mail addresses of a registration are confirmed: whoever has the token has read a mail to its address.
 * @param before the token of an address that was confirmed in an earlier run
 */
export function awaitConfirmations(tracker: Tracker, before?: string) {
  const confirmed = new Set(before === undefined ? [] : [before]);
  let awaited = false;
  setHandler(confirmEmail, (token) => void confirmed.add(token));
  const isNeeded = ({ confirmationToken }: Order) =>
    confirmationToken !== undefined && !confirmed.has(confirmationToken);

  return {
    isNeeded,
    /** Whether the run waits for somebody to open the link. */
    isAwaited: () => awaited,

    /**
     * Mails the link to the order's address and waits for an hour, while the seat is kept.
     * @returns false when there was no seat, or the hour is over and the seat is released; a cancellation ends the wait, too
     */
    async ask(order: Order): Promise<boolean> {
      if (!(await CancellationScope.nonCancellable(() => claimUnconfirmed(order.id)))) return false;
      const { id, event, language, confirmationToken = '' } = order;
      const { email } = order.attendee;
      tracker.unconfirmed();
      awaited = true;
      const link = { id, event, email, token: confirmationToken, ...(language && { language }) };
      // Whether the mail arrives is known by the link being opened.
      CancellationScope.nonCancellable(() => askToConfirm(link)).catch(() => undefined);
      const inTime = await condition(() => !isNeeded(order), CONFIRM_WITHIN_MS).catch((error: unknown) => {
        if (isCancellation(error)) return true;
        throw error;
      });
      awaited = false;
      if (!inTime) await CancellationScope.nonCancellable(() => releaseHold(order.id));
      return inTime;
    },
  };
}
