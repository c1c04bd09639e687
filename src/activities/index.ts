import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import type { PayPal } from '../paypal.ts';
import { emailActivities } from './email.ts';
import { failureInterceptor } from './failure.ts';
import { mailingListActivities } from './mailing-list.ts';
import { orderActivities } from './orders.ts';
import { paymentActivities } from './payment.ts';

export type Dependencies = { config: Config; database: Database; paypal: PayPal };
export type Activities = ReturnType<typeof createActivities>;

/** What a worker needs to run them: the activities, and the mapping of whatever they throw. */
export const activityOptions = (dependencies: Dependencies) => ({
  activities: createActivities(dependencies),
  interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
});

/** All activities of the workflow, one provider each. */
export const createActivities = (dependencies: Dependencies) => ({
  ...paymentActivities(dependencies),
  ...orderActivities(dependencies),
  ...emailActivities(dependencies),
  ...mailingListActivities(dependencies),
});
