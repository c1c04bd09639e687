import { activityInfo } from '@temporalio/activity';
import type { Config } from '../config.ts';
import { connectAudience } from '../mailchimp.ts';
import type { Order } from '../registration.ts';
import { mailchimpFailure } from './failure.ts';

export function mailingListActivities({ config }: { config: Config }) {
  const audience = connectAudience(config.mailchimp);
  return {
    /** Adds an attendee to the audience. Who is in it already, or has left it, keeps their status. */
    async addToMailingList({ attendee }: Pick<Order, 'attendee'>): Promise<{ attempts: number }> {
      await audience.add(attendee).catch((error: unknown) => {
        throw mailchimpFailure(error);
      });
      return { attempts: activityInfo().attempt };
    },
  };
}
