/** Who has access, and with which role. Owners decide. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { findOutcome, once } from '../../database/actions.ts';
import {
  addOrganizer,
  changeOrganizer,
  decideOnPeople,
  findOrganizer,
  findPerson,
  listOrganizers,
  removeOrganizer,
  type Decided,
} from '../../database/organizers.ts';
import type { Database } from '../../database/connection.ts';
import type { MessageKey } from '../../messages/index.ts';
import { OrganizerEmail, OrganizerName, ROLES } from '../../organizer.ts';
import type { Language } from '../../registration.ts';
import { peoplePage, type PeopleForm } from '../../web/organizer/pages.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { prefersPage } from '../page.ts';
import { faultyFields, Problem } from '../problem.ts';
import { ActionId } from './action.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

/** `add`: email, role, name; `role`: person, role; `remove`: person. */
const Body = Type.Object(
  {
    action: ActionId,
    do: Type.Enum(['add', 'role', 'remove']),
    email: Type.Optional(OrganizerEmail),
    name: Type.Optional(OrganizerName),
    role: Type.Optional(Type.Enum([...ROLES])),
    person: Type.Optional(ActionId),
  },
  { additionalProperties: false },
);
type Body = Static<typeof Body>;
type Outcome = Decided | { outcome: 'not-allowed' };

const NEEDED = { add: ['email', 'role'], role: ['person', 'role'], remove: ['person'] } as const;
const FAULTS: Record<string, MessageKey> = {
  '/email': 'organizer.people.fault.email',
  '/name': 'organizer.people.fault.name',
  '/role': 'organizer.people.fault.role',
};
const THERE_ALREADY = { '/email': 'organizer.people.fault.there' } as const;

export function peopleRoutes(app: App, { config, database }: Dependencies): void {
  const path = '/organizer/people';

  app.get(path, { schema: { hide: true }, config: { isPage: true } }, async (request, reply) => {
    const { done } = request.query as { done?: unknown };
    return show(request, reply, {}, Check(ActionId, done) ? done : undefined);
  });

  app.post(path, { schema: { hide: true, body: Body }, attachValidation: true }, async (request, reply) => {
    const faults = faultsIn(request);
    if (Object.keys(faults).length > 0) return refuse(request, reply, faults);
    const { body } = request;
    const { id } = sessionOf(request).organizer;
    const { outcome } = await once<Outcome>(database, { organizer: id, action: body.action }, (trx) =>
      decideOnPeople(trx, (people) => decide(people, id, body, languageOf(request))),
    );
    if (outcome === 'not-allowed') throw new Problem('role-not-allowed');
    if (outcome === 'last-owner') throw new Problem('last-owner');
    if (outcome === 'there-already') return refuse(request, reply, THERE_ALREADY);
    return reply.redirect(`${path}?done=${body.action}`, 303);
  });

  /** Shows the list, with what became of an action. */
  async function show(request: FastifyRequest, reply: FastifyReply, form: PeopleForm, done?: string) {
    const { id } = sessionOf(request).organizer;
    const outcome = done && (await findOutcome<Decided>(database, { organizer: id, action: done }));
    const person = outcome && outcome.id !== undefined ? await findPerson(database, outcome.id) : undefined;
    return reply.send(
      peoplePage(organizerFrame(request, reply, config), {
        ...{ me: id, people: await listOrganizers(database), newAction: randomUUID, form },
        told: outcome ? { outcome: outcome.outcome, person } : undefined,
      }),
    );
  }

  /** Shows the form again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(request: FastifyRequest, reply: FastifyReply, faults: Record<string, MessageKey>) {
    const errors = Object.entries(faults).map(([pointer, detail]) => ({ pointer, detail }));
    const typed = request.body as Record<string, unknown>;
    if (!prefersPage(request) || typed.do !== 'add') throw new Problem('invalid-fields', { errors });
    return show(request, reply.code(422), { typed, faults });
  }
}

/** The faulty fields of a form: of the wrong kind, or missing for what is to be done. */
function faultsIn({ validationError, body }: FastifyRequest<{ Body: Body }>): Record<string, MessageKey> {
  const missing = (NEEDED[body.do] as readonly (keyof Body)[] | undefined) ?? [];
  const pointers = validationError
    ? faultyFields(validationError)
    : missing.filter((field) => body[field] === undefined).map((field) => `/${field}`);
  return Object.fromEntries(
    pointers.map((pointer) => [pointer, FAULTS[pointer] ?? 'organizer.people.fault.form']),
  );
}

/** Does what the form asks for, while nobody else decides about people. */
async function decide(people: Database, me: string, body: Body, language: Language): Promise<Outcome> {
  // Another owner may have changed the role of this one since the request came in.
  if ((await findOrganizer(people, me))?.role !== 'owner') return { outcome: 'not-allowed' };
  const { email = '', name, role = 'door', person = '' } = body;
  switch (body.do) {
    case 'add':
      return addOrganizer(people, { email, name, role, language });
    case 'role':
      return changeOrganizer(people, person, { role });
    case 'remove':
      return removeOrganizer(people, person);
  }
}
