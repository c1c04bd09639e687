import { allHandlersFinished, condition, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ChangeDecision, ChangeRequest } from '../change.ts';
import { RATE_LIMITED } from '../registration.ts';
import { announce } from './decision.ts';
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

/** One change of a confirmed registration, and then the confirmation as it is now; or one step that is done again. */
export async function changeRegistration(request: ChangeRequest): Promise<ChangeDecision> {
  const decided = announce();
  const { registration, change } = request;
  const decision = await changeOrder(request);
  decided(decision);
  if (decision.status === 'changed')
    await (change.kind === 'again' && change.step === 'mailing-list'
      ? subscribeAgain(registration)
      : sendAgain(registration));
  await condition(allHandlersFinished);
  return decision;
}
