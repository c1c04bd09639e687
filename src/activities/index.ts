import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import type { Vendors } from '../vendors/index.ts';
import { additionActivities } from './add.ts';
import { cancelEventActivities } from './cancel-event.ts';
import { emailActivities } from './email.ts';
import { failureInterceptor } from './failure.ts';
import { mailingListActivities } from './mailing-list.ts';
import { orderActivities } from './orders.ts';
import { paymentActivities } from './payment.ts';
import { refundActivities } from './refund.ts';
import { signInActivities } from './sign-in.ts';

export type Dependencies = Vendors & { config: Config; database: Database };
export type Activities = ReturnType<typeof createActivities>;

/**
 * What a worker needs to run them: the activities, and the mapping of whatever they throw.
 * @param outer interceptors that see what the mapping made of it
 */
export const activityOptions = (dependencies: Dependencies, outer: ActivityInterceptorsFactory[] = []) => ({
  activities: createActivities(dependencies),
  interceptors: { activity: [...outer, () => ({ inbound: failureInterceptor })] },
});

/** All activities of the workflows. Every client that they use is passed in. */
export const createActivities = (dependencies: Dependencies) => ({
  ...paymentActivities(dependencies),
  ...refundActivities(dependencies),
  ...cancelEventActivities(dependencies),
  ...orderActivities(dependencies),
  ...additionActivities(dependencies),
  ...emailActivities(dependencies),
  ...mailingListActivities(dependencies),
  ...signInActivities(dependencies),
});
