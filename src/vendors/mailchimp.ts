/** The audience at Mailchimp, through its SDK. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import mailchimp from '@mailchimp/mailchimp_marketing';
import type { Config } from '../config.ts';
import type { Order } from '../registration.ts';
import { retryAfterMs } from './retry-after.ts';
import { networkWord, VendorError } from './vendor-error.ts';

/** The whole exchange, measured by the SDK; an activity has 15 s. */
const TIMEOUT_MS = 10_000;

/** Mailchimp allows ten connections at a time for each key (Mailchimp, API limits); there may be a second worker. */
const CONNECTIONS = 5;

/** A call that the SDK is about to make. */
type Call = { agent: (agent: http.Agent) => void };
/** The SDK's client with what its published types leave out. */
type Client = typeof mailchimp & {
  basePath: string;
  timeout: number;
  enableCookies: boolean;
  agent: { attachCookies: (call: Call) => void; saveCookies: () => void };
};
// The package exports one shared instance; its constructor gives our own.
const ApiClient = (mailchimp as object).constructor as new () => Client;

/** Mailchimp's id of a member: the MD5 of the lowercase address (Mailchimp, Lists/Audiences, subscriber_hash). */
const subscriberHash = (email: string) => createHash('md5').update(email.toLowerCase()).digest('hex');

/** By how much Mailchimp's clock may be behind this one. */
const CLOCKS_DIFFER_MS = 60_000;

/** "Try again later", which Mailchimp says with a 400; five minutes is what its wording suggests. */
const SIGNUP_PAUSE_MS = 300_000;

export type Mailchimp = ReturnType<typeof connectMailchimp>;

/** Calls to Mailchimp. Each throws {@link VendorError}. */
export function connectMailchimp({ apiKey, baseUrl, listId, statusIfNew }: Config['mailchimp']) {
  const client = new ApiClient();
  client.timeout = TIMEOUT_MS;
  if (baseUrl) {
    // Without `server`: given one, the SDK replaces the first "server" found anywhere in the address.
    client.basePath = `${baseUrl}/3.0`;
    client.setConfig({ apiKey });
  } else {
    client.setConfig({ apiKey, server: apiKey.slice(apiKey.lastIndexOf('-') + 1) });
  }
  // By default the SDK opens a connection for each call. It asks its cookie agent before each call, which is the only place
  // to hand it connections that are kept.
  const { Agent } = baseUrl?.startsWith('http:') ? http : https;
  const connections = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  client.enableCookies = true;
  client.agent = { attachCookies: (call) => call.agent(connections), saveCookies: () => undefined };

  const call = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw toVendorError(error);
    });

  const unlessMissing = <T>(asked: Promise<T>): Promise<T | undefined> =>
    call(asked).catch((error: unknown) => {
      if (error instanceof VendorError && error.status === 404) return undefined;
      throw error;
    });
  const find = (email: string) =>
    unlessMissing(client.lists.getListMember(listId, subscriberHash(email))) as Promise<Member | undefined>;

  return {
    /**
     * Adds an attendee to the audience. Members, and people who have left, keep their status. A contact that was archived
     * (`takeOut`) comes back.
     * @param status of somebody new, where the settings do not name one: `pending` asks the person first
     */
    async add(
      { email, firstName, lastName }: Order['attendee'],
      status: 'subscribed' | 'pending' = 'subscribed',
    ): Promise<void> {
      const wanted = statusIfNew ?? status;
      const put = (more: { status?: 'subscribed' | 'pending' } = {}) =>
        call(
          client.lists.setListMember(listId, subscriberHash(email), {
            email_address: email,
            status_if_new: wanted,
            merge_fields: { FNAME: firstName, LNAME: lastName },
            ...more,
          }),
        );
      const known = (await put()) as Partial<Member> | null;
      if (known?.status === 'archived') await put({ status: wanted });
    },

    /**
     * Takes an address that turned out to be wrong out of the audience: it is archived, so that it gets no newsletter, and can be
     * added again. Somebody who has unsubscribed, or was a member before `since`, when this service first could have added them,
     * stays as they are.
     */
    async takeOut(
      email: string,
      since: Date,
    ): Promise<'archived' | 'missing' | 'unsubscribed' | 'was-there-before'> {
      const member = await find(email);
      if (!member) return 'missing';
      if (member.status === 'archived' || member.status === 'unsubscribed') return member.status;
      if (wasThereBefore(member, since)) return 'was-there-before';
      await unlessMissing(client.lists.deleteListMember(listId, subscriberHash(email)));
      return 'archived';
    },

    /**
     * Deletes everything that Mailchimp knows of an address. Only its owner can add it again. Somebody who was a member before
     * `since`, when this service first could have added them, has subscribed in another way, and stays.
     */
    async forget(email: string, since: Date): Promise<'deleted' | 'not-a-member' | 'was-there-before'> {
      const member = await find(email);
      if (member && wasThereBefore(member, since)) return 'was-there-before';
      const deleted = unlessMissing(
        client.lists.deleteListMemberPermanent(listId, subscriberHash(email)).then(() => 'deleted' as const),
      );
      return (await deleted) ?? 'not-a-member';
    },
  };
}

/** What Mailchimp tells about a contact; the published types of the SDK know neither `archived` nor the times. */
type Member = { status: string; timestamp_signup?: string; timestamp_opt?: string };

/** Whether somebody signed up or opted in before this service could have added them; not where Mailchimp does not say. */
function wasThereBefore({ timestamp_signup: signup, timestamp_opt: opt }: Member, since: Date): boolean {
  const first = Math.min(...[signup, opt].map((time) => (time ? Date.parse(time) : Infinity)));
  return first < since.getTime() - CLOCKS_DIFFER_MS;
}

/** An address that Mailchimp will not take, or that opted out, is final; so is an audience that does not exist. */
function toVendorError(error: unknown): VendorError {
  const {
    status: answered,
    statusCode,
    response,
  } = error as {
    status?: unknown;
    statusCode?: unknown;
    response?: { body?: { title?: string; detail?: string }; headers?: Record<string, string> };
  };
  const vendor = 'Mailchimp';
  // An answer that is not JSON rejects with a SyntaxError that has `statusCode` only.
  const status = [answered, statusCode].find((value) => typeof value === 'number');
  if (status === undefined)
    return new VendorError({ vendor, meaning: 'Unavailable', word: networkWord(error) });
  const { title, detail = '' } = response?.body ?? {};
  // An overloaded edge sends a 403 as well, but without a title.
  if (status === 401 || (status === 403 && title))
    return new VendorError({ vendor, meaning: 'Auth', status });
  if (status < 400 || status >= 500 || [403, 408, 429].includes(status))
    return new VendorError({
      vendor,
      meaning: 'Unavailable',
      status,
      retryAfterMs: retryAfterMs(response?.headers?.['retry-after']),
    });
  if (title === 'Member In Compliance State' || title === 'Forgotten Email Not Subscribed')
    return new VendorError({ vendor, meaning: 'OptOut', final: true, status });
  if (/signed up to a lot of lists/i.test(detail))
    return new VendorError({ vendor, meaning: 'SignupLimit', status, retryAfterMs: SIGNUP_PAUSE_MS });
  if (/looks fake or invalid|valid email/i.test(detail))
    return new VendorError({ vendor, meaning: 'InvalidEmail', final: true, status });
  return new VendorError({ vendor, meaning: 'Rejected', final: true, status });
}
