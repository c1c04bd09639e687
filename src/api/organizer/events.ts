/** The list of all events, and the form that adds one. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findNewest, listEvents } from '../../database/desk/events.ts';
import { createEvent, EditRefused } from '../../database/event-editor.ts';
import { EVENT_FIELDS, readEvent, readId, type Fault, type Fields } from '../../event-form.ts';
import { eventsPage } from '../../web/organizer/events.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { prefersPage } from '../page.ts';
import { EDITOR_BYTES, readForm, toInvalidFields } from './event-fields.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

const PATH = '/organizer/events';
const isField = (name: string) => name === 'id' || (EVENT_FIELDS as readonly string[]).includes(name);

export function eventsRoutes(app: App, { config, database }: Dependencies): void {
  app.get(PATH, { schema: { hide: true }, config: { isPage: true } }, async (request, reply) =>
    show(request, reply, { ...(await findNewest(database)) }, []),
  );

  app.post(PATH, { schema: { hide: true }, bodyLimit: EDITOR_BYTES }, async (request, reply) => {
    const { action, fields } = readForm(request.body, isField);
    const { id: organizer } = sessionOf(request).organizer;
    const { id, faults: faultsInId } = readId(fields);
    const { event, faults } = readEvent(fields);
    const all = [...faultsInId, ...faults];
    if (all.length > 0) return refuse(request, reply, fields, all);
    try {
      await createEvent(database, { organizer, action }, id, event);
    } catch (error) {
      if (error instanceof EditRefused && error.refusal.status === 'faulty')
        return refuse(request, reply, fields, error.refusal.faults);
      throw error;
    }
    return reply.redirect(`${PATH}/${id}?done=${action}`, 303);
  });

  async function show(request: FastifyRequest, reply: FastifyReply, fields: Fields, faults: Fault[]) {
    const events = await listEvents(database);
    return reply.send(
      eventsPage(organizerFrame(request, reply, config), { events, fields, faults, newAction: randomUUID }),
    );
  }

  /** Shows the form again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(request: FastifyRequest, reply: FastifyReply, fields: Fields, faults: Fault[]) {
    if (!prefersPage(request)) throw toInvalidFields(faults);
    return show(request, reply.code(422), fields, faults);
  }
}
