import { proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { RATE_LIMITED, RESEND_PAUSE_MS } from '../registration.ts';
import { FOR_A_MONTH } from './options.ts';

const { resendConfirmation: send } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  scheduleToCloseTimeout: '1 day',
  priority: RATE_LIMITED.email,
  summary: 'Send the confirmation e-mail again',
});

/**
 * Sends a confirmation again. The run is also the limit: a registration has one at a time, and it stays open for a while after
 * the mail was sent. It knows only the id; address and content are those of the saved order.
 */
export async function resendConfirmation(id: string): Promise<void> {
  await send(id);
  await sleep(RESEND_PAUSE_MS);
}
