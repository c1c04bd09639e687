/** Mailchimp's audience members, API 3.0 (mailchimp.com/developer, Lists/Audiences). */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { applyFaults, type Faults } from './faults.ts';
import type { Journal } from './journal.ts';

const STATUSES = ['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional'] as const;
export type Member = {
  id: string;
  email_address: string;
  status: (typeof STATUSES)[number];
  merge_fields: Record<string, unknown>;
  tags: string[];
  last_changed: string;
};

const problem = (status: number, title: string, detail: string) => ({
  type: 'https://mailchimp.com/developer/marketing/docs/errors/',
  title,
  status,
  detail,
  instance: crypto.randomUUID(),
});
const refuse = (reply: FastifyReply, status: number, title: string, detail: string) =>
  reply
    .code(status)
    .type('application/problem+json')
    .send(problem(status, title, detail));

/** Addresses that Mailchimp refuses, each in its own words; the part before the @ chooses. */
export const REFUSED_ADDRESSES: [RegExp, title: string, detail: string][] = [
  [
    /^fake\b|@example\.invalid$/i,
    'Invalid Resource',
    'This address looks fake or invalid, please enter a real email address.',
  ],
  [
    /^compliance\b/i,
    'Member In Compliance State',
    'The address is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.',
  ],
  [
    /^forgotten\b/i,
    'Forgotten Email Not Subscribed',
    'The address was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.',
  ],
  [
    /^busy\b/i,
    'Invalid Resource',
    'The address has signed up to a lot of lists very recently; we\u2019re not allowing more signups for now.',
  ],
];

export function createMailchimp(
  journal: Journal,
  { apiKey, listId }: { apiKey: string; listId: string },
  faults: Faults,
) {
  const members = journal.map<Member>('mailchimp.members');

  function routes(app: FastifyInstance): void {
    void app.register((api, _options, done) => {
      api.addHook('preHandler', async (request, reply) => {
        const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
        const key = Buffer.from(encoded, 'base64').toString().split(':')[1];
        if (key === apiKey || request.headers.authorization === `Bearer ${apiKey}`) return undefined;
        return refuse(
          reply,
          401,
          'API Key Invalid',
          "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
        );
      });
      applyFaults(api, 'mailchimp', faults, (status) =>
        problem(
          status,
          status === 429 ? 'Too Many Requests' : 'Internal Server Error',
          'The switch of the sandbox says so.',
        ),
      );
      api.addHook('preHandler', async (request, reply) => {
        if ((request.params as { list?: string }).list === listId) return undefined;
        return refuse(reply, 404, 'Resource Not Found', 'The requested resource could not be found.');
      });

      type Params = { list: string; hash: string };
      const member = '/3.0/lists/:list/members/:hash';
      api.get<{ Params: Params }>(member, ({ params }, reply) => {
        const found = members.get(params.hash);
        return found
          ? reply.send(found)
          : refuse(reply, 404, 'Resource Not Found', 'The requested resource could not be found.');
      });
      api.put<{ Params: Params; Body: Partial<Record<string, unknown>> | null }>(
        member,
        ({ params: { hash }, body }, reply) => {
          const {
            email_address: email,
            status_if_new: statusIfNew,
            status,
            merge_fields: mergeFields = {},
          } = body ?? {};
          const invalid = (detail: string) => refuse(reply, 400, 'Invalid Resource', detail);
          if (typeof email !== 'string' || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email))
            return invalid('Please provide a valid email address.');
          if (createHash('md5').update(email.toLowerCase()).digest('hex') !== hash)
            return invalid('The subscriber hash does not match the email address.');
          const isStatus = (value: unknown): value is Member['status'] =>
            STATUSES.some((known) => known === value);
          const known = members.get(hash);
          if (!known && !isStatus(statusIfNew))
            return invalid(
              'The resource submitted could not be validated: status_if_new is required for a new member.',
            );
          if (status !== undefined && !isStatus(status))
            return invalid('The resource submitted could not be validated: status.');
          const refused = REFUSED_ADDRESSES.find(([pattern]) => pattern.test(email));
          if (refused && !known) return refuse(reply, 400, refused[1], refused[2]);
          const saved: Member = {
            id: hash,
            email_address: email,
            // An existing member keeps the status, unless the call sets one outright.
            status: status ?? known?.status ?? (statusIfNew as Member['status']),
            merge_fields: { ...known?.merge_fields, ...(mergeFields as Member['merge_fields']) },
            tags: known?.tags ?? [],
            last_changed: new Date().toISOString(),
          };
          members.set(hash, saved);
          return reply.send(saved);
        },
      );
      api.post<{ Params: Params; Body: { tags?: { name: string; status: 'active' | 'inactive' }[] } | null }>(
        `${member}/tags`,
        ({ params, body }, reply) => {
          const known = members.get(params.hash);
          if (!known)
            return refuse(reply, 404, 'Resource Not Found', 'The requested resource could not be found.');
          const tags = new Set(known.tags);
          for (const { name, status } of body?.tags ?? [])
            if (status === 'active') tags.add(name);
            else tags.delete(name);
          members.set(params.hash, { ...known, tags: [...tags] });
          return reply.code(204).send();
        },
      );
      done();
    });
  }

  return {
    members,
    routes,
    /** What the link in a newsletter does. */
    unsubscribe(hash: string): void {
      const known = members.get(hash);
      if (known)
        members.set(hash, { ...known, status: 'unsubscribed', last_changed: new Date().toISOString() });
    },
  };
}
