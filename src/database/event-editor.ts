/**
 * What organizers change about events. This file writes `events` and `ticket_types`, apart from the column `sold`, which is that of
 * seats/sell.ts. Whoever edits an event locks it and all its ticket types, so that nobody holds a seat by what is about to change.
 */
import { once, type Action } from './actions.ts';
import type { Database } from './connection.ts';
import { findEdited, isInUse, type EditedEvent, type EditedTicketType } from './desk/events.ts';
import { noteDesk, type DeskEntry } from './desk-history.ts';
import type { EventState } from './events.ts';
import { dropLapsedHolds } from './seats/hold.ts';
import {
  fieldOf,
  slugOf,
  type EventValues,
  type Fault,
  type TicketTypeValues,
  type TypedTicketType,
} from '../event-form.ts';

/** Why an edit was refused. Nothing was changed then. */
type Refusal =
  | { status: 'changed' }
  | { status: 'cancelled' }
  | { status: 'unknown' }
  | { status: 'faulty'; faults: Fault[] };
export class EditRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.status);
    this.name = 'EditRefused';
    this.refusal = refusal;
  }
}

/**
 * What an edit did. `fields`: facts of the event that are in mails and calendar entries and were changed. `confirmed`: how many
 * registrations have these. `kept`: how many seats are held at a price that was changed.
 */
export type Edited = { outcome: string; fields?: string[]; confirmed?: number; kept?: number };

/** Which edit of which event: `version` is that of the page from which it came. */
export type Edit = Action & { event: string; version: number };

const toRow = (event: EventValues) => ({
  ...{ name: event.name, description: event.description, venue: event.venue, seller: event.seller },
  ...{ starts_at: event.startsAt, ends_at: event.endsAt, time_zone: event.timeZone },
  currency: event.currency,
});
const toTypeRow = (type: TicketTypeValues, position: number) => ({
  ...{ name: type.name, price_minor: type.priceMinor, capacity: type.capacity, position },
  ...{ sale_starts_at: type.saleStartsAt, sale_ends_at: type.saleEndsAt },
  ...{ hidden: type.hidden, confirm_email: type.confirmEmail },
});

/** Adds an event as a draft, once for each action. @throws EditRefused where the address is taken */
export async function createEvent(
  database: Database,
  key: Action,
  id: string,
  event: EventValues,
): Promise<Edited> {
  return once<Edited>(database, key, async (trx) => {
    const added = await trx('events')
      .insert({ id, ...toRow(event), state: 'draft' satisfies EventState })
      .onConflict('id')
      .ignore()
      .returning<{ id: string }[]>('id');
    if (added.length === 0)
      throw new EditRefused({
        status: 'faulty',
        faults: [{ field: 'id', message: 'organizer.event.fault.id-taken' }],
      });
    await noteDesk(trx, { kind: 'event-created', organizer: key.organizer, event: id, action: key.action });
    return { outcome: 'created' };
  });
}

type Change = Edited & { notes: Pick<DeskEntry, 'kind' | 'facts'>[] };

/** Edits an event once for each action, as it is under its locks. @throws EditRefused, and then nothing was changed */
export async function editEvent(
  database: Database,
  { event: id, version, ...key }: Edit,
  change: (trx: Database, event: EditedEvent) => Promise<Change>,
): Promise<Edited> {
  return once<Edited>(database, key, async (trx) => {
    // A hold may lock the event as the foreign key of its ticket type, whose row it has already: that must not wait for an editor.
    await trx.raw('select from events where id = ? for no key update', [id]);
    await trx.raw('select from ticket_types where event_id = ? order by id for update', [id]);
    // These statements come after the locks: the ones that wait for them still see what was before.
    const event = await findEdited(trx, id);
    if (!event) throw new EditRefused({ status: 'unknown' });
    if (event.state === 'cancelled') throw new EditRefused({ status: 'cancelled' });
    if (event.version !== version) throw new EditRefused({ status: 'changed' });
    const { notes, ...edited } = await change(trx, event);
    if (notes.length > 0) await trx('events').where({ id }).increment('version', 1);
    for (const note of notes) await noteDesk(trx, { ...note, event: id, ...key });
    return edited;
  });
}

/** What a form says of an event: `removed` are ids of ticket types. */
export type Saved = { event: EventValues; ticketTypes: TypedTicketType[]; removed: string[] };

/** Saves an event and its ticket types. All faults are found at once. @throws EditRefused */
export async function saveEvent(database: Database, which: Edit, saved: Saved): Promise<Edited> {
  return editEvent(database, which, async (trx, before) => {
    const { event, ticketTypes, removed } = saved;
    const known = new Map(before.ticketTypes.map((type) => [type.id, type]));
    // Its row in the form is of a ticket type that is not there any more.
    if (ticketTypes.some(({ id }) => id !== null && !known.has(id)))
      throw new EditRefused({ status: 'changed' });
    const faults = [
      ...(event.currency !== before.currency && isInUse(before)
        ? [{ field: 'currency', message: 'organizer.event.fault.currency-in-use' } as const]
        : []),
      ...ticketTypes.flatMap((type) => faultsInCapacity(type, known.get(type.id ?? ''))),
      ...(await removeTicketTypes(trx, before, removed)),
    ];
    if (faults.length > 0) throw new EditRefused({ status: 'faulty', faults });

    const fields = changedFields(before, event);
    const notes: Change['notes'] = fields.length > 0 ? [{ kind: 'event-changed', facts: { fields } }] : [];
    if (fields.length > 0) await trx('events').where({ id: before.id }).update(toRow(event));
    notes.push(
      ...removed
        .filter((id) => known.has(id))
        .map((ticketType) => ({ kind: 'ticket-type-removed', facts: { ticketType } })),
      ...(await writeTicketTypes(trx, before, ticketTypes, removed)),
    );
    const told = fields.filter((field) => IN_MAILS.includes(field));
    return {
      ...{ outcome: notes.length > 0 ? 'saved' : 'same', notes },
      ...(told.length > 0 && { fields: told, confirmed: before.confirmed }),
      kept: ticketTypes.reduce((sum, { id, priceMinor }) => {
        const was = known.get(id ?? '');
        return sum + (was && was.priceMinor !== priceMinor ? was.held : 0);
      }, 0),
    };
  });
}

/** What mails and calendar entries say of an event. */
const IN_MAILS = ['name', 'startsAt', 'endsAt', 'timeZone', 'venue'];
const isSame = (one: unknown, other: unknown) =>
  one instanceof Date && other instanceof Date ? one.getTime() === other.getTime() : one === other;
const changedFields = <T extends object>(before: T, after: T): string[] =>
  (Object.keys(after) as (keyof T & string)[]).filter((field) => !isSame(before[field], after[field]));

/** A capacity below what is sold and held; the numbers are those under the lock of the ticket type. */
function faultsInCapacity({ key, capacity }: TypedTicketType, now: EditedTicketType | undefined): Fault[] {
  if (!now || capacity === null || now.sold + now.held <= capacity) return [];
  const { sold, held } = now;
  return [
    {
      ...{ field: fieldOf(key, 'capacity'), message: 'organizer.event.fault.capacity-in-use' },
      values: { sold, held, least: sold + held },
    },
  ];
}

/** Removes ticket types that nobody holds, claimed or bought. What cannot be removed is a fault. */
async function removeTicketTypes(trx: Database, before: EditedEvent, removed: string[]): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { id, held, ordered, sold } of before.ticketTypes.filter((type) => removed.includes(type.id))) {
    const field = fieldOf(id, 'remove');
    if (held > 0 || ordered || sold > 0) faults.push({ field, message: 'organizer.event.fault.remove' });
    else if (await dropLapsedHolds(trx, before.id, id))
      await trx('ticket_types').where({ event_id: before.id, id }).delete();
    else faults.push({ field, message: 'organizer.event.fault.remove-later' });
  }
  return faults;
}

/** Writes ticket types in their order. Returns what was done for the history. */
async function writeTicketTypes(
  trx: Database,
  before: EditedEvent,
  ticketTypes: TypedTicketType[],
  removed: string[],
): Promise<Change['notes']> {
  const notes: Change['notes'] = [];
  const left = before.ticketTypes.filter(({ id }) => !removed.includes(id));
  const taken = new Set(before.ticketTypes.map(({ id }) => id));
  for (const [position, type] of ticketTypes.entries()) {
    const was = left.findIndex(({ id }) => id === type.id);
    const { key: _k, id, position: _p, ...values } = type;
    if (id === null) {
      const added = freeId(type.name, taken);
      taken.add(added);
      await trx('ticket_types').insert({ event_id: before.id, id: added, ...toTypeRow(values, position) });
      notes.push({ kind: 'ticket-type-added', facts: { ticketType: added } });
      continue;
    }
    const [now] = left.slice(was);
    if (!now) continue;
    const fields: string[] = changedFields<TicketTypeValues>(now, values);
    if (was !== position) fields.push('position');
    if (fields.length === 0 && now.position === position) continue;
    await trx('ticket_types').where({ event_id: before.id, id }).update(toTypeRow(values, position));
    if (fields.length === 0) continue;
    const price = fields.includes('priceMinor') && { from: now.priceMinor, to: values.priceMinor };
    notes.push({ kind: 'ticket-type-changed', facts: { ticketType: id, fields, ...(price && { price }) } });
  }
  return notes;
}

/** The id of a new ticket type: what its name suggests, with a number where that is taken. */
function freeId(name: string, taken: Set<string>): string {
  const wanted = slugOf(name).slice(0, 60).replace(/-+$/, '') || 'ticket';
  for (let n = 1; ; n++) {
    const id = n === 1 ? wanted : `${wanted}-${n}`;
    if (!taken.has(id)) return id;
  }
}

/** A picture of an event, or none. */
export type Picture = { content: Buffer; type: string; alt: string | null };

/** Gives an event a picture, or another text for the one that it has, or none. @throws EditRefused */
export async function savePicture(
  database: Database,
  which: Edit,
  picture: Picture | { alt: string | null } | null,
): Promise<Edited> {
  return editEvent(database, which, async (trx, { id }) => {
    const columns =
      picture === null
        ? { picture: null, picture_type: null, picture_alt: null }
        : {
            ...('content' in picture && { picture: picture.content, picture_type: picture.type }),
            picture_alt: picture.alt,
          };
    await trx('events').where({ id }).update(columns);
    const kind = picture === null ? 'picture-removed' : 'picture-changed';
    return { outcome: kind, notes: [{ kind }] };
  });
}

/** What keeps an event from being published. */
export function faultsForSale({ ticketTypes, isOver }: EditedEvent, now = new Date()): Fault[] {
  const shown = ticketTypes.filter(({ hidden }) => !hidden);
  const field = 'publish';
  return [
    ...(ticketTypes.length === 0
      ? [{ field, message: 'organizer.event.fault.no-ticket-type' } as const]
      : []),
    ...(ticketTypes.length > 0 && shown.length === 0
      ? [{ field, message: 'organizer.event.fault.all-hidden' } as const]
      : []),
    ...(shown.length > 0 && shown.every(({ saleEndsAt }) => saleEndsAt && saleEndsAt <= now)
      ? [{ field, message: 'organizer.event.fault.sale-over' } as const]
      : []),
    ...(isOver ? [{ field, message: 'organizer.event.fault.over' } as const] : []),
  ];
}

/** Puts a draft on sale. @throws EditRefused with everything that is missing */
export const publishEvent = (database: Database, which: Edit): Promise<Edited> =>
  editEvent(database, which, async (trx, event) => {
    const faults = faultsForSale(event);
    if (faults.length > 0) throw new EditRefused({ status: 'faulty', faults });
    if (event.state === 'live') return { outcome: 'same', notes: [] };
    await trx('events')
      .where({ id: event.id })
      .update({ state: 'live' satisfies EventState });
    return { outcome: 'published', notes: [{ kind: 'event-published' }] };
  });

/** Makes an event a draft again, as long as nobody holds a seat or was registered. @throws EditRefused */
export const withdrawEvent = (database: Database, which: Edit): Promise<Edited> =>
  editEvent(database, which, async (trx, event) => {
    if (isInUse(event))
      throw new EditRefused({
        status: 'faulty',
        faults: [{ field: 'draft', message: 'organizer.event.fault.in-use' }],
      });
    if (event.state === 'draft') return { outcome: 'same', notes: [] };
    await trx('events')
      .where({ id: event.id })
      .update({ state: 'draft' satisfies EventState });
    return { outcome: 'withdrawn', notes: [{ kind: 'event-withdrawn' }] };
  });
