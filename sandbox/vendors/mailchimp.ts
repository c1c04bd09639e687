/** Mailchimp's audience members, API 3.0 (mailchimp.com/developer, Lists/Audiences). */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { applyFaults, Refusal, type Faults } from './faults.ts';
import type { Journal } from './journal.ts';

/** The statuses that a request may ask for. A contact becomes `archived` by DELETE, and leaves that by a status alone. */
const STATUSES = ['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional'] as const;
export type Member = {
  id: string;
  email_address: string;
  status: (typeof STATUSES)[number] | 'archived';
  merge_fields: Record<string, unknown>;
  tags: string[];
  /** When somebody was asked to confirm, and when they opted in; empty where that has not happened. */
  timestamp_signup: string;
  timestamp_opt: string;
  last_changed: string;
};

const hashOf = (email: string) => createHash('md5').update(email.toLowerCase()).digest('hex');
type Wanted = (typeof STATUSES)[number];
const isStatus = (value: unknown): value is Wanted => STATUSES.some((known) => known === value);

/** When somebody opted in: at first, or as soon as they are subscribed. */
function optedIn(known: Member | undefined, status: Member['status'], now: string): string {
  if (known && known.timestamp_opt !== '') return known.timestamp_opt;
  return status === 'subscribed' ? now : '';
}

const problem = (status: number, title: string, detail: string) => ({
  type: 'https://mailchimp.com/developer/marketing/docs/errors/',
  title,
  status,
  detail,
  instance: crypto.randomUUID(),
});
const refusal = (status: number, title: string, detail: string) =>
  new Refusal(status, problem(status, title, detail));
const invalid = (detail: string) => refusal(400, 'Invalid Resource', detail);
const notFound = () => refusal(404, 'Resource Not Found', 'The requested resource could not be found.');

/** Mailchimp's error titles for errors that do not concern the content of a request. */
const TITLES: Record<number, string> = {
  400: 'JSON Parse Error',
  403: 'Forbidden',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};
const plainError = (status: number) => {
  const title = TITLES[status] ?? 'Internal Server Error';
  return problem(status, title, title);
};

const keyInvalid = () =>
  refusal(
    401,
    'API Key Invalid',
    "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
  );
const forgottenEmail = () =>
  refusal(
    400,
    'Forgotten Email Not Subscribed',
    'The address was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.',
  );
const notArchivable = () => refusal(405, 'Method Not Allowed', 'This list member cannot be removed.');
const inComplianceState = () =>
  refusal(
    400,
    'Member In Compliance State',
    'The address is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.',
  );

/** New addresses that Mailchimp rejects with its own messages, by the start of the address. */
export const REFUSED_ADDRESSES: { start: string; because: string; refusal: () => Refusal }[] = [
  {
    start: 'fake',
    because: 'looks fake or invalid',
    refusal: () => invalid('This address looks fake or invalid, please enter a real email address.'),
  },
  { start: 'compliance', because: 'is in a compliance state', refusal: inComplianceState },
  {
    start: 'forgotten',
    because: 'was permanently deleted',
    refusal: forgottenEmail,
  },
  {
    start: 'busy',
    because: 'has signed up to too many lists (temporary at Mailchimp, permanent here)',
    refusal: () =>
      invalid(
        'The address has signed up to a lot of lists very recently; we\u2019re not allowing more signups for now.',
      ),
  },
];

export function createMailchimp(
  journal: Journal,
  { apiKey, listId }: { apiKey: string; listId: string },
  faults: Faults,
) {
  const members = journal.map<Member>('mailchimp.members');
  /** Permanently deleted members, who can only resubscribe themselves with a form of Mailchimp. */
  const forgotten = journal.map<true>('mailchimp.forgotten');

  /** Adds or updates a member with the body of a PUT. */
  function put(hash: string, body: Record<string, unknown>): Member {
    const { email_address: email, status_if_new: statusIfNew, status, merge_fields: mergeFields } = body;
    if (typeof email !== 'string' || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email))
      throw invalid('Please provide a valid email address.');
    if (hashOf(email) !== hash) throw invalid('The subscriber hash does not match the email address.');
    if (status !== undefined && !isStatus(status))
      throw invalid('The resource submitted could not be validated: status.');
    if (forgotten.get(hash)) throw forgottenEmail();
    const known = members.get(hash);
    if (known?.status === 'unsubscribed' && status === 'subscribed') throw inComplianceState();
    // An existing member keeps its status unless the request sets `status`.
    const wanted = status ?? known?.status ?? statusIfNew;
    if (!isStatus(wanted) && wanted !== 'archived')
      throw invalid(
        'The resource submitted could not be validated: status_if_new is required for a new member.',
      );
    const refused = REFUSED_ADDRESSES.find(({ start }) => email.toLowerCase().startsWith(start));
    if (refused && !known) throw refused.refusal();
    const now = new Date().toISOString();
    const { timestamp_signup: signup, timestamp_opt: opt } = body as Partial<Member>;
    const saved: Member = {
      id: hash,
      email_address: email,
      status: wanted,
      merge_fields: { ...known?.merge_fields, ...(mergeFields as Member['merge_fields'] | undefined) },
      tags: known?.tags ?? [],
      timestamp_signup: signup ?? known?.timestamp_signup ?? (wanted === 'pending' ? now : ''),
      timestamp_opt: opt ?? optedIn(known, wanted, now),
      last_changed: now,
    };
    members.set(hash, saved);
    return saved;
  }

  /** A member as the API shows it: tags have numbers there. */
  const shown = ({ tags, ...rest }: Member) => ({
    ...rest,
    tags_count: tags.length,
    tags: tags.map((name, index) => ({ id: index + 1, name })),
  });

  const member = (hash: string): Member => {
    const known = members.get(hash);
    if (!known) throw notFound();
    return known;
  };

  function routes(app: FastifyInstance): void {
    app.register((api, _options, done) => {
      api.addHook('onRequest', (request, _reply, next) => {
        const { authorization = '' } = request.headers;
        const [, encoded = ''] = /^Basic (.+)$/.exec(authorization) ?? [];
        const [, password] = Buffer.from(encoded, 'base64').toString().split(':');
        next(password === apiKey || authorization === `Bearer ${apiKey}` ? undefined : keyInvalid());
      });
      applyFaults(api, 'mailchimp', faults, { body: plainError, type: 'application/problem+json' });

      type Call = { Params: { list: string; hash: string }; Body: unknown };
      const path = '/3.0/lists/:list/members/:hash';
      api.addHook<Call>('preHandler', (request, _reply, next) => {
        next(request.params.list === listId ? undefined : notFound());
      });
      const given = (body: unknown) => (body ?? {}) as Record<string, unknown>;
      api.get<Call>(path, ({ params }) => shown(member(params.hash)));
      api.put<Call>(path, ({ params, body }) => shown(put(params.hash, given(body))));
      api.delete<Call>(path, ({ params }, reply) => {
        const known = member(params.hash);
        if (known.status === 'archived') throw notArchivable();
        members.set(params.hash, { ...known, status: 'archived', last_changed: new Date().toISOString() });
        return reply.code(204).send();
      });
      api.post<Call>(`${path}/tags`, ({ params, body }, reply) => {
        const known = member(params.hash);
        const { tags: changes = [] } = (body ?? {}) as { tags?: { name: string; status: string }[] };
        const tags = new Set(known.tags);
        for (const { name, status } of changes)
          if (status === 'inactive') tags.delete(name);
          else tags.add(name);
        members.set(params.hash, { ...known, tags: [...tags] });
        return reply.code(204).send();
      });
      api.post<Call>(`${path}/actions/delete-permanent`, ({ params }, reply) => {
        member(params.hash);
        members.delete(params.hash);
        forgotten.set(params.hash, true);
        return reply.code(204).send();
      });
      done();
    });
  }

  return {
    members,
    routes,
    /** Unsubscribes a member as the link in a newsletter does. */
    unsubscribe: (hash: string): void => {
      const known = members.get(hash);
      if (known)
        members.set(hash, { ...known, status: 'unsubscribed', last_changed: new Date().toISOString() });
    },
  };
}
