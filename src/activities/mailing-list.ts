import { activityInfo } from '@temporalio/activity';
import type { Order } from '../registration.ts';
import type { Mailchimp } from '../vendors/mailchimp.ts';

export const mailingListActivities = ({ mailchimp }: { mailchimp: Mailchimp }) => ({
  /** Adds an attendee to the audience. Members, and people who have left, keep their status. */
  async addToMailingList({ attendee }: Pick<Order, 'attendee'>): Promise<{ attempts: number }> {
    await mailchimp.add(attendee);
    return { attempts: activityInfo().attempt };
  },
});
