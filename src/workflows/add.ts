import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { AddRequest, AddResult } from '../addition.ts';
import { RATE_LIMITED, type Status } from '../registration.ts';
import { announce } from './decision.ts';
import { FOR_A_MONTH, UNTIL_DONE } from './options.ts';
import { trackProgress } from './progress.ts';
import { endedSignal } from './registration.ts';

const { addOrder, giveSeatBack } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Take a seat and save the order in PostgreSQL',
});
const { confirmAdded } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  priority: RATE_LIMITED.email,
  summary: 'Send the confirmation e-mail through SendGrid',
});
const { tellAttendee } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.email,
  summary: 'Tell the attendee by e-mail',
});

/** One registration that an organizer adds: a seat and the order at once, then the confirmation. Nothing is paid here. */
export async function addRegistration({ registration }: AddRequest): Promise<AddResult> {
  const decided = announce();
  const tracker = trackProgress({ newsletter: null, paypalOrderId: null });
  const mail = new CancellationScope();
  let status: Status = 'confirmed';
  setHandler(endedSignal, (ended) => {
    status = ended;
    mail.cancel();
  });

  tracker.adding();
  const added = await CancellationScope.nonCancellable(() => addOrder(registration));
  tracker.added(added);
  decided(added.decision);
  if (added.decision.status === 'added')
    await mail.run(() => tracker.step('email', confirmAdded(registration))).catch(() => undefined);
  else status = 'expired';

  // Cancelled in Temporal's Web UI, and not at the desk, which decides about the seat itself.
  const isUndone = status === 'confirmed' && CancellationScope.current().consideredCancelled;
  if (isUndone) status = 'cancelled';
  tracker.conclude(status);
  await CancellationScope.nonCancellable(async () => {
    if (isUndone) {
      await giveSeatBack(registration, 'cancelled');
      await tellAttendee({ id: registration, kind: 'cancelled', refunded: null }).catch(() => undefined);
    }
    await condition(allHandlersFinished);
  });
  return { ...tracker.progress, decision: added.decision };
}
