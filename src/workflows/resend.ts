import { proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PACED } from '../registration.ts';

const { resendConfirmation: send } = proxyActivities<Activities>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1h' },
  priority: PACED.email,
  summary: 'Send the confirmation e-mail once more',
});

/** How long a resent mail stands before it may be sent again. */
const PAUSE = '10m';

/**
 * Sends a confirmation once more. The run is the limit, too: there is one at a time for a registration, and it stays open
 * for a while. It knows the id alone; address and contents are the saved order's.
 */
export async function resendConfirmation(id: string): Promise<void> {
  await send(id);
  await sleep(PAUSE);
}
