/** The audience at Mailchimp, through its SDK. Whatever it throws carries the key and is to be mapped by the caller. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import mailchimp from '@mailchimp/mailchimp_marketing';
import type { Config } from './config.ts';
import type { Order } from './registration.ts';

/** The whole exchange, by the SDK's own timer; an activity has 15 s. */
const TIMEOUT_MS = 10_000;

/** Mailchimp allows ten connections at once for a key (Mailchimp, API limits); there may be a second worker. */
const CONNECTIONS = 5;

/** A call that the SDK is about to make. */
type Call = { agent: (agent: http.Agent) => void };
/** The package exports one shared instance; its constructor gives our own. The published types know neither. */
type Mailchimp = typeof mailchimp & {
  basePath: string;
  timeout: number;
  enableCookies: boolean;
  agent: { attachCookies: (call: Call) => void; saveCookies: () => void };
};
const ApiClient = (mailchimp as object).constructor as new () => Mailchimp;

/** Mailchimp's id of a member: the MD5 of the lowercase address (Mailchimp, Lists/Audiences, subscriber_hash). */
const subscriberHash = (email: string) => createHash('md5').update(email.toLowerCase()).digest('hex');

export type Audience = ReturnType<typeof connectAudience>;

export function connectAudience({ apiKey, baseUrl, listId, statusIfNew }: Config['mailchimp']) {
  const client = new ApiClient();
  client.timeout = TIMEOUT_MS;
  if (baseUrl) {
    // Without `server`: with it the SDK replaces the first "server" found anywhere in the address.
    client.basePath = `${baseUrl}/3.0`;
    client.setConfig({ apiKey });
  } else {
    client.setConfig({ apiKey, server: apiKey.slice(apiKey.lastIndexOf('-') + 1) });
  }
  // By itself the SDK opens a connection for each call. What it asks for cookies, of which there are none, sees every call
  // before it is made.
  const { Agent } = baseUrl?.startsWith('http:') ? http : https;
  const connections = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  client.enableCookies = true;
  client.agent = { attachCookies: (call) => call.agent(connections), saveCookies: () => undefined };
  return {
    /** Adds an attendee. Who is a member already, or has left, keeps their status. */
    async add({ email, firstName, lastName }: Order['attendee']): Promise<void> {
      await client.lists.setListMember(listId, subscriberHash(email), {
        email_address: email,
        status_if_new: statusIfNew,
        merge_fields: { FNAME: firstName, LNAME: lastName },
      });
    },

    /** Deletes all that Mailchimp knows of an address; it cannot be added again by others than its owner. */
    async forget(email: string): Promise<void> {
      await client.lists.deleteListMemberPermanent(listId, subscriberHash(email));
    },
  };
}
