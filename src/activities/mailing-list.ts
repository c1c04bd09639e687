import { activityInfo } from '@temporalio/activity';
import { answerWithin, type Database } from '../database/connection.ts';
import { note } from '../database/history.ts';
import { findTicket, type Ticket } from '../database/orders.ts';
import { dropFormerAddress, findFormerAddress, leaveToAnother } from '../database/subscriptions.ts';
import { isTrusted, registrationId, type Order } from '../registration.ts';
import type { Mailchimp } from '../vendors/mailchimp.ts';
import { VendorError } from '../vendors/vendor-error.ts';
import { failure } from './failure.ts';
import { entered } from './outcome.ts';
import { isFresh } from './fresh.ts';

type Dependencies = { database: Database; mailchimp: Mailchimp };
const STEP = 'mailing-list';

const DATABASE_TIMEOUT_MS = 2000;

const statusOf = (ticket: Ticket) => (isTrusted(ticket) ? 'subscribed' : 'pending');

export const mailingListActivities = ({ database, mailchimp }: Dependencies) => ({
  /**
   * Adds an attendee to the audience. Members, and people who have left, keep their status. Whoever may have made up the
   * address (`untrusted`) is asked by Mailchimp first. A further try, and a late one, adds the address that the order has by then.
   */
  async addToMailingList({
    attendee,
    untrusted = false,
  }: Pick<Order, 'attendee'> & { untrusted?: boolean }): Promise<{ attempts: number }> {
    const { attempt: attempts, workflowExecution } = activityInfo();
    const id = registrationId(workflowExecution?.workflowId ?? '');
    return entered(database, id, STEP, async () => {
      const saved = isFresh()
        ? undefined
        : await answerWithin(DATABASE_TIMEOUT_MS, findTicket(database, id), undefined);
      const status = saved ? statusOf(saved) : untrusted ? 'pending' : 'subscribed';
      await mailchimp.add(saved?.attendee ?? attendee, status);
      return { attempts };
    });
  },

  /** Adds the attendee of a saved order once more. `NoTicket` is final: there is no confirmed order with a consent (any more). */
  async subscribeAgain(id: string): Promise<{ attempts: number }> {
    const done = await entered(database, id, STEP, async () => {
      const ticket = await findTicket(database, id);
      if (ticket?.status !== 'confirmed' || !ticket.newsletter)
        throw failure({ type: 'NoTicket', final: true });
      await mailchimp.add(ticket.attendee, statusOf(ticket));
      return { attempts: activityInfo().attempt };
    });
    await note(database, { registration: id, kind: 'subscribed' });
    return done;
  },

  /**
   * Has the audience follow an address that an action has corrected. The address of before leaves it, if this registration has added
   * it and nobody else wants the newsletter there. The address of now is added, unless the person had unsubscribed. That Mailchimp
   * does not take it is entered in the history, and is no failure: the correction stands.
   */
  async moveSubscription(id: string, action: string): Promise<{ attempts: number }> {
    const { attempt: attempts } = activityInfo();
    const former = await findFormerAddress(database, id, action);
    if (!former) return { attempts };
    const ticket = await findTicket(database, id);
    const isBack = ticket?.attendee.email.toLowerCase() === former.email.toLowerCase();
    const left =
      isBack || (await leaveToAnother(database, id, former))
        ? 'kept'
        : await mailchimp.takeOut(former.email, former.since);
    const isWanted = ticket?.status === 'confirmed' && ticket.newsletter && left !== 'unsubscribed';
    const refused = isWanted
      ? await mailchimp.add(ticket.attendee, statusOf(ticket)).then(() => undefined, finalMeaning)
      : undefined;
    await database.transaction(async (trx) => {
      if (!(await dropFormerAddress(trx, id, action))) return;
      const [kind, facts] = refused
        ? (['audience-refused', { word: refused }] as const)
        : (['audience-changed', { former: left, added: isWanted }] as const);
      await note(trx, { registration: id, kind, action, facts });
    });
    return { attempts };
  },
});

/** Why Mailchimp will never take an address. @throws the error, if another try may succeed */
function finalMeaning(error: unknown): string {
  if (error instanceof VendorError && error.final) return `${error.vendor}${error.meaning}`;
  throw error;
}
