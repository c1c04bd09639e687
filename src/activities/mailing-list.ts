import { activityInfo } from '@temporalio/activity';
import type { Database } from '../database/connection.ts';
import { note } from '../database/history.ts';
import { findTicket } from '../database/orders.ts';
import { isTrusted, registrationId, type Order } from '../registration.ts';
import type { Mailchimp } from '../vendors/mailchimp.ts';
import { failure } from './failure.ts';
import { entered } from './outcome.ts';

type Dependencies = { database: Database; mailchimp: Mailchimp };
const STEP = 'mailing-list';

export const mailingListActivities = ({ database, mailchimp }: Dependencies) => ({
  /**
   * Adds an attendee to the audience. Members, and people who have left, keep their status. Whoever may have made up the
   * address (`untrusted`) is asked by Mailchimp first.
   */
  async addToMailingList({
    attendee,
    untrusted = false,
  }: Pick<Order, 'attendee'> & { untrusted?: boolean }): Promise<{ attempts: number }> {
    const { attempt: attempts, workflowExecution } = activityInfo();
    return entered(database, registrationId(workflowExecution?.workflowId ?? ''), STEP, async () => {
      await mailchimp.add(attendee, untrusted ? 'pending' : 'subscribed');
      return { attempts };
    });
  },

  /** Adds the attendee of a saved order once more. `NoTicket` is final: there is no confirmed order with a consent (any more). */
  async subscribeAgain(id: string): Promise<{ attempts: number }> {
    const done = await entered(database, id, STEP, async () => {
      const ticket = await findTicket(database, id);
      if (ticket?.status !== 'confirmed' || !ticket.newsletter)
        throw failure({ type: 'NoTicket', final: true });
      await mailchimp.add(ticket.attendee, isTrusted(ticket) ? 'subscribed' : 'pending');
      return { attempts: activityInfo().attempt };
    });
    await note(database, { registration: id, kind: 'subscribed' });
    return done;
  },
});
