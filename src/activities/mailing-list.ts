import { activityInfo } from '@temporalio/activity';
import type { Order } from '../registration.ts';
import type { Mailchimp } from '../vendors/mailchimp.ts';

export const mailingListActivities = ({ mailchimp }: { mailchimp: Mailchimp }) => ({
  /**
   * Adds an attendee to the audience. Members, and people who have left, keep their status. Whoever may have made up the
   * address (`untrusted`) is asked by Mailchimp first.
   */
  async addToMailingList({
    attendee,
    untrusted = false,
  }: Pick<Order, 'attendee'> & { untrusted?: boolean }): Promise<{ attempts: number }> {
    await mailchimp.add(attendee, untrusted ? 'pending' : 'subscribed');
    return { attempts: activityInfo().attempt };
  },
});
