/** The editor of one event, and its preview. */
import { randomUUID } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { findOutcome } from '../../database/actions.ts';
import { findEdited, type EditedEvent } from '../../database/desk/events.ts';
import { listDeskEntries } from '../../database/desk-history.ts';
import {
  EditRefused,
  publishEvent,
  saveEvent,
  savePicture,
  withdrawEvent,
  type Edit,
  type Edited,
} from '../../database/event-editor.ts';
import { findPicture } from '../../database/events.ts';
import { asked, listQuestions } from '../../database/questions.ts';
import { HOLD_MINUTES } from '../../database/seats/hold.ts';
import {
  fieldOf,
  isEventField,
  keysIn,
  LONGEST,
  merge,
  MOST_TICKET_TYPES,
  readEvent,
  toFields,
  type Fault,
} from '../../event-form.ts';
import { isBroken, isLine } from '../../form.ts';
import { eventPage as attendeesPage } from '../../web/attendee/pages.ts';
import { editorPage, isEdit, toShown, type EditorState } from '../../web/organizer/event.ts';
import type { Dependencies } from '../dependencies.ts';
import { frameOf } from '../frame.ts';
import { prefersPage } from '../page.ts';
import { Problem } from '../problem.ts';
import { ActionId } from './action.ts';
import { EDITOR_BYTES, readForm, toInvalidFields, type EditorForm } from './event-fields.ts';
import { acceptFiles } from './forms.ts';
import { organizerFrame } from './frame.ts';
import { pictureType } from './picture.ts';
import { sessionOf } from './session.ts';

const PATH = '/organizer/events/:event';
const Params = Type.Object({ event: Type.String() });
/** Bytes of a picture, and of one that is still read to say that it is too large. */
const PICTURE_BYTES = 1024 * 1024;
const MOST_BYTES = 8 * PICTURE_BYTES;

export async function eventRoutes(instance: FastifyInstance, dependencies: Dependencies): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { config, database } = dependencies;
  await acceptFiles(app, MOST_BYTES);
  const hidden = { schema: { hide: true, params: Params } } as const;

  app.get(PATH, { ...hidden, config: { isPage: true } }, async (request, reply) => {
    const event = await found(request.params.event);
    const { done } = request.query as { done?: unknown };
    const { id: organizer } = sessionOf(request).organizer;
    const told = Check(ActionId, done)
      ? await findOutcome<Edited>(database, { organizer, action: done })
      : undefined;
    return show(request, reply, event, { fields: toFields(event), told });
  });

  app.post(PATH, { ...hidden, bodyLimit: EDITOR_BYTES }, async (request, reply) => {
    const { event: id } = request.params;
    const event = await found(id);
    const form = readForm(request.body, (name) => name === 'alt' || isEventField(name));
    const { id: organizer } = sessionOf(request).organizer;
    const which: Edit = { organizer, action: form.action, event: id, version: form.version };
    const toPage = () => reply.redirect(`/organizer/events/${id}?done=${form.action}`, 303);
    if (form.what === 'more') return show(request, reply, event, withOneMore(event, form));
    if (await findOutcome(database, which)) return toPage();
    if (event.state === 'cancelled') throw new Problem('event-cancelled');
    if (event.version !== form.version) return tooLate(request, reply, event, form);
    try {
      await act(which, form, event);
    } catch (error) {
      if (!(error instanceof EditRefused)) throw error;
      const { refusal } = error;
      if (refusal.status === 'unknown') throw new Problem('not-found');
      if (refusal.status === 'cancelled') throw new Problem('event-cancelled');
      const now = await found(id);
      if (refusal.status === 'changed') return tooLate(request, reply, now, form);
      const { fields, was, version } = form;
      const typed = form.what === 'save' ? { fields, was, version } : { fields: toFields(now) };
      return refuse(request, reply, now, { ...typed, faults: refusal.faults, alt: fields.alt });
    }
    return toPage();
  });

  app.get(`${PATH}/preview`, { ...hidden, config: { isPage: true } }, async (request, reply) => {
    const event = await found(request.params.event);
    const questions = asked(await listQuestions(database, event.id));
    return reply.send(
      attendeesPage(frameOf(request, reply, config), {
        ...{ event: toShown(event, questions), holdMinutes: HOLD_MINUTES, toEvents: false },
        draft: { picturePath: `/organizer/events/${event.id}/picture` },
      }),
    );
  });

  app.get(`${PATH}/picture`, { ...hidden, config: { isPage: true } }, async (request, reply) => {
    const { id } = await found(request.params.event);
    const picture = await findPicture(database, id, { drafts: true });
    if (!picture) throw new Problem('not-found');
    return reply.type(picture.type).send(picture.content);
  });

  async function found(id: string): Promise<EditedEvent> {
    // PostgreSQL takes no such character in a text.
    const event = id.includes('\0') ? undefined : await findEdited(database, id);
    if (!event) throw new Problem('not-found');
    return event;
  }

  /** Does what the form asks for. @throws EditRefused */
  async function act(which: Edit, form: EditorForm, event: EditedEvent): Promise<Edited> {
    switch (form.what) {
      case 'save': {
        const { faults, ...saved } = readEvent(form.fields, event);
        if (faults.length > 0) throw new EditRefused({ status: 'faulty', faults });
        return saveEvent(database, which, saved);
      }
      case 'picture':
        return savePicture(database, which, readPicture(form, event));
      case 'remove-picture':
        return savePicture(database, which, null);
      case 'publish':
        return publishEvent(database, which);
      case 'draft':
        return withdrawEvent(database, which);
      default:
        throw new Problem('invalid-fields', { errors: [{ pointer: '/do', detail: 'fault.choose' }] });
    }
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    event: EditedEvent,
    state: EditorState,
  ): Promise<FastifyReply> {
    const history = await listDeskEntries(database, { event: event.id });
    const page = { event, state, history, newAction: randomUUID };
    return reply.send(editorPage(organizerFrame(request, reply, config), page));
  }

  /** Shows the form again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    event: EditedEvent,
    state: EditorState & { faults: Fault[] },
  ) {
    if (!prefersPage(request)) throw toInvalidFields(state.faults);
    return show(request, reply.code(422), event, state);
  }

  /** Somebody else was faster: shows what both have done, so that nothing of either is lost. */
  async function tooLate(
    request: FastifyRequest,
    reply: FastifyReply,
    event: EditedEvent,
    { what, fields, was }: EditorForm,
  ) {
    if (!prefersPage(request)) throw new Problem('event-changed');
    const history = await listDeskEntries(database, { event: event.id });
    const by = history.find(isEdit)?.who ?? null;
    const now = toFields(event);
    const { fields: merged, ...conflict } = what === 'save' ? merge(fields, was, now) : merge(now, now, now);
    const faults = what === 'save' ? readEvent(merged, event).faults : [];
    return show(request, reply.code(409), event, {
      ...{ fields: merged, faults, conflict: { ...conflict, by, isSave: what === 'save' } },
    });
  }
}

/** The form with one more ticket type to fill in. Nothing is saved. */
function withOneMore(event: EditedEvent, { fields, was, version }: EditorForm): EditorState {
  const keys = keysIn(fields);
  const next = Array.from({ length: MOST_TICKET_TYPES }, (_, i) => `_${i + 1}`).find(
    (key) => !keys.includes(key),
  );
  const position = String(keys.length + 1);
  return {
    ...{ was, version, added: next },
    fields: next
      ? { ...fields, [fieldOf(next, 'row')]: '1', [fieldOf(next, 'position')]: position }
      : { ...toFields(event), ...fields },
  };
}

/** The picture of a form, or only its text where there is a picture already. @throws EditRefused */
function readPicture({ fields, picture }: EditorForm, event: EditedEvent) {
  const alt = fields.alt?.trim() ?? '';
  const faults: Fault[] = [];
  if (alt !== '' && (!isLine(alt) || isBroken(alt))) faults.push({ field: 'alt', message: 'fault.text' });
  if (Array.from(alt).length > LONGEST.alt)
    faults.push({ field: 'alt', message: 'fault.too-long', values: { limit: LONGEST.alt } });
  const isChosen = picture !== undefined && picture.length > 0;
  const type = isChosen ? pictureType(picture) : undefined;
  if (isChosen && picture.length > PICTURE_BYTES)
    faults.push({ field: 'picture', message: 'organizer.event.fault.picture-large' });
  else if (isChosen ? !type : event.pictureHash === null)
    faults.push({ field: 'picture', message: 'organizer.event.fault.picture' });
  if (faults.length > 0) throw new EditRefused({ status: 'faulty', faults });
  return { alt: alt || null, ...(isChosen && type && { content: picture, type }) };
}
