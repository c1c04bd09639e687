import { allHandlersFinished, condition, patched, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ChangeDecision, ChangeRequest } from '../change.ts';
import { RATE_LIMITED } from '../registration.ts';
import { announce } from './decision.ts';
import { showInList } from './list.ts';
import { FOR_A_MONTH, UNTIL_DONE } from './options.ts';

const { changeOrder } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Change the order in PostgreSQL',
});
const { sendAgain } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.email,
  summary: 'Send the confirmation e-mail again',
});
const { subscribeAgain } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.mailingList,
  summary: 'Add the address to the Mailchimp audience again',
});
const { moveSubscription } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.mailingList,
  summary: 'Have the Mailchimp audience follow the corrected address',
});

/**
 * One change of a confirmed registration, and then the confirmation as it is now; or one step that is done again. With a consent
 * to the newsletter, the audience follows a corrected address.
 */
export async function changeRegistration(request: ChangeRequest): Promise<ChangeDecision> {
  const decided = announce();
  const { registration, action, change } = request;
  const decision = await changeOrder(request);
  decided(decision);
  if (decision.status === 'changed') {
    if (change.kind === 'move' && patched('ticket-type-in-list'))
      showInList({ ticketType: change.ticketType });
    const follows = decision.audience === true && patched('audience-follows');
    const steps = await Promise.allSettled([
      change.kind === 'again' && change.step === 'mailing-list'
        ? subscribeAgain(registration)
        : sendAgain(registration, MADE[change.kind]),
      follows && moveSubscription(registration, action),
    ]);
    for (const step of steps) if (step.status === 'rejected') throw step.reason;
  }
  await condition(allHandlersFinished);
  return decision;
}

/** What the confirmation says has been changed. */
const MADE = { correct: 'corrected', answers: undefined, move: 'moved', again: undefined } as const;
