import { createHash } from 'node:crypto';
import mailchimp from '@mailchimp/mailchimp_marketing';
import { activityInfo } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { Order } from '../registration.ts';
import { mailchimpFailure } from './failure.ts';

/** The whole exchange, by the SDK's own timer; the activity has 30 s. */
const TIMEOUT_MS = 10_000;

/** The package exports one shared instance; its constructor gives our own. The published types know neither. */
type Mailchimp = typeof mailchimp & { basePath: string; timeout: number };
const ApiClient = (mailchimp as object).constructor as new () => Mailchimp;

function connect({ apiKey, baseUrl }: Config['mailchimp']): Mailchimp {
  const client = new ApiClient();
  client.timeout = TIMEOUT_MS;
  if (baseUrl) {
    // Without `server`: with it the SDK replaces the first "server" found anywhere in the address.
    client.basePath = `${baseUrl}/3.0`;
    client.setConfig({ apiKey });
  } else {
    client.setConfig({ apiKey, server: apiKey.slice(apiKey.lastIndexOf('-') + 1) });
  }
  return client;
}

/** Mailchimp's id of a member: the MD5 of the lowercase address (Mailchimp, Lists/Audiences, subscriber_hash). */
const subscriberHash = (email: string) => createHash('md5').update(email.toLowerCase()).digest('hex');

export function mailingListActivities({ config }: { config: Config }) {
  const { listId, statusIfNew } = config.mailchimp;
  const client = connect(config.mailchimp);
  return {
    /** Adds an attendee to the audience. Who is in it already, or has left it, keeps their status. */
    async addToMailingList({ attendee }: Pick<Order, 'attendee'>): Promise<{ attempts: number }> {
      const { email, firstName, lastName } = attendee;
      const member = {
        email_address: email,
        status_if_new: statusIfNew,
        merge_fields: { FNAME: firstName, LNAME: lastName },
      };
      await client.lists.setListMember(listId, subscriberHash(email), member).catch((error: unknown) => {
        throw mailchimpFailure(error);
      });
      return { attempts: activityInfo().attempt };
    },
  };
}
