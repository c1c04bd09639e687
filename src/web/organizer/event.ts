/** The editor of one event. Each part of the page is a form, or a section, with a view of its own. */
import { isInUse, type EditedEvent } from '../../database/desk/events.ts';
import type { ListedDeskEntry } from '../../database/desk-history.ts';
import { faultsForSale, type Edited } from '../../database/event-editor.ts';
import type { EventState, ShownEvent } from '../../database/events.ts';
import { fieldOf, isNew, keysIn, toFields, type Fault, type Fields } from '../../event-form.ts';
import { isMessage, type MessageKey } from '../../messages/index.ts';
import { eventPath } from '../attendee/pages.ts';
import { shortTime } from '../dates.ts';
import { createControls } from './event-controls.ts';
import { render, type OrganizerFrame } from './frame.ts';

/** What the page shows besides the event as it is saved. */
export type EditorState = {
  /** What is in the fields. */
  fields: Fields;
  /** The event as it was when the page was made: fields and version. By default, as it is now. */
  was?: Fields;
  version?: number;
  faults?: Fault[];
  /** What was typed for the picture. */
  alt?: string | undefined;
  /** The ticket type that was added to the form last. */
  added?: string | undefined;
  /** What somebody else has saved meanwhile, and who; `isSave`: whether there is anything typed to look at. */
  conflict?: { meanwhile: Fields; removed: string[]; by: string | null; isSave: boolean };
  /** What became of the action before. */
  told?: Edited | undefined;
};
type EditorPage = {
  event: EditedEvent;
  state: EditorState;
  history: ListedDeskEntry[];
  /** Makes a new UUID for each form. */
  newAction: () => string;
};

/** The state of an event in a word. */
export const stateOf = (
  { speech: { t } }: OrganizerFrame,
  { state, isOver }: { state: EventState; isOver: boolean },
) => {
  const shown = state === 'live' && isOver ? 'over' : state;
  return { shown, stateText: t(STATES[shown]) };
};
const STATES: Record<EventState | 'over', MessageKey> = {
  draft: 'organizer.event.state.draft',
  live: 'organizer.event.state.live',
  cancelled: 'organizer.event.state.cancelled',
  over: 'organizer.event.state.over',
};

/** Everything about one event, with the forms that change it. */
export function editorPage(frame: OrganizerFrame, { event, state, history, newAction }: EditorPage): string {
  const { speech, desk, publicUrl } = frame;
  const { t, locale } = speech;
  const { fields, faults = [], conflict } = state;
  const controls = createControls(speech, {
    fields,
    faults,
    ...(conflict && { meanwhile: conflict.meanwhile }),
  });
  const isLocked = isInUse(event);
  const keys = keysIn(fields);
  // The first ticket type of an event has its fields there already.
  const shownKeys = keys.length > 0 ? keys : ['_1'];
  const version = state.version ?? event.version;
  const cancelPath = '/organizer/events/:event/cancel';
  const form = (kind: string) => ({ action: newAction(), version, kind });
  const canEdit = event.state !== 'cancelled';
  const missing = faultsForSale(event).map(({ message }) => t(message));
  return render('event', frame, {
    title: event.name,
    id: event.id,
    path: `/organizer/events/${event.id}`,
    ...stateOf(frame, event),
    told: state.told && tellOf(frame, state.told),
    pages: [
      { href: `/organizer/events/${event.id}/preview`, label: t('organizer.event.preview') },
      ...(event.state === 'draft'
        ? []
        : [
            { href: eventPath(event.id), label: t('organizer.event.public') },
            {
              href: `/organizer/registrations?event=${event.id}`,
              label: t('organizer.event.registrations'),
            },
          ]),
      ...(canEdit && desk?.opens(cancelPath)
        ? [{ href: cancelPath.replace(':event', event.id), label: t('organizer.event.cancel') }]
        : []),
    ],
    faults: controls.faults,
    conflict: conflict && {
      ...conflict,
      who: conflict.by ?? t('organizer.event.changed.somebody'),
      removed: conflict.removed.map((key) => state.was?.[fieldOf(key, 'name')] ?? key).join(', '),
    },
    canEdit,
    publish: canEdit && event.state === 'draft' && { ...form('publish'), missing },
    draft: canEdit && event.state === 'live' && !isLocked && form('draft'),
    editor: canEdit && {
      ...form('save'),
      was: JSON.stringify(state.was ?? toFields(event)),
      address: t('organizer.event.address', { address: publicUrl + eventPath(event.id) }),
      controls: [...controls.event(isLocked), controls.description()],
      hasTypes: keys.length > 0,
      ticketTypes: shownKeys.map((key) => {
        const type = event.ticketTypes.find(({ id }) => id === key);
        const inUse = type && (type.held > 0 || type.ordered || type.sold > 0);
        return {
          ...{ key, row: fieldOf(key, 'row'), isNew: isNew(key), isAdded: key === state.added },
          name: controls.typeName(key),
          numbers: type && t('organizer.event.ticket-type.numbers', { sold: type.sold, held: type.held }),
          controls: [
            ...controls.ticketType(key),
            ...(inUse
              ? []
              : [
                  {
                    ...controls.control(
                      'check',
                      fieldOf(key, 'remove'),
                      t('organizer.event.ticket-type.remove'),
                    ),
                    wide: true,
                  },
                ]),
          ],
          stays: inUse,
        };
      }),
    },
    picture: canEdit && {
      ...form('picture'),
      url: event.pictureHash && `/organizer/events/${event.id}/picture?v=${event.pictureHash}`,
      shownAlt: event.pictureAlt ?? '',
      alt: { ...controls.alt(), value: state.alt ?? event.pictureAlt ?? '' },
      fault: controls.faults.find(({ field }) => field === 'picture')?.text,
      remove: newAction(),
    },
    history: history.filter(isEdit).map((entry) => ({
      told: tellEntry(frame, entry),
      at: shortTime(entry.at, event.timeZone, locale),
      who: entry.who ?? t('organizer.history.service'),
    })),
  });
}

/** What an edit did, in sentences. */
function tellOf(
  { speech: { t, locale } }: OrganizerFrame,
  { outcome, fields = [], confirmed = 0, kept = 0 }: Edited,
) {
  const told = Object.entries(FACTS).filter(([field]) => fields.includes(field));
  const facts = new Set(told.map(([, key]) => t(key)));
  return [
    t(TOLD[outcome] ?? 'organizer.event.told.saved'),
    ...(confirmed > 0
      ? [
          t('organizer.event.told.confirmed', {
            ...{ count: confirmed, facts: new Intl.ListFormat(locale).format(facts) },
          }),
        ]
      : []),
    ...(kept > 0 ? [t('organizer.event.ticket-type.price.held', { count: kept })] : []),
  ];
}
const TOLD: Record<string, MessageKey> = {
  created: 'organizer.event.told.created',
  saved: 'organizer.event.told.saved',
  same: 'organizer.event.told.same',
  published: 'organizer.event.told.published',
  withdrawn: 'organizer.event.told.withdrawn',
  'picture-changed': 'organizer.event.told.picture-changed',
  'picture-removed': 'organizer.event.told.picture-removed',
};
const FACTS: Record<string, MessageKey> = {
  name: 'organizer.event.told.fact.name',
  startsAt: 'organizer.event.told.fact.date',
  endsAt: 'organizer.event.told.fact.date',
  timeZone: 'organizer.event.told.fact.date',
  venue: 'organizer.event.told.fact.venue',
};

/** The names of what the history says was changed. */
const CHANGED: Record<string, MessageKey> = {
  name: 'organizer.event.name',
  description: 'organizer.event.description',
  startsAt: 'organizer.event.starts',
  endsAt: 'organizer.event.ends',
  timeZone: 'organizer.event.time-zone',
  venue: 'organizer.event.venue',
  seller: 'organizer.event.seller',
  currency: 'organizer.event.currency',
  priceMinor: 'organizer.event.ticket-type.price.none',
  capacity: 'organizer.event.ticket-type.capacity',
  saleStartsAt: 'organizer.event.ticket-type.sale-starts',
  saleEndsAt: 'organizer.event.ticket-type.sale-ends',
  hidden: 'organizer.event.fact.hidden',
  confirmEmail: 'organizer.event.fact.confirm-email',
  position: 'organizer.event.ticket-type.position',
};

/** Whether an entry of the history is about the event itself, and not about a file of its registrations. */
export const isEdit = ({ kind }: Pick<ListedDeskEntry, 'kind'>): boolean =>
  isMessage(`organizer.desk-history.${kind}`);

/** What was done about the event. */
function tellEntry({ speech: { t, locale } }: OrganizerFrame, { kind, facts }: ListedDeskEntry): string {
  const own = `organizer.desk-history.${kind}`;
  const fields = Array.isArray(facts.fields) ? facts.fields.map(String) : [];
  const names = fields.map((field) => {
    const label = CHANGED[field];
    return label ? t(label) : field;
  });
  return isMessage(own)
    ? t(own, {
        fields: new Intl.ListFormat(locale).format(names),
        ticketType: typeof facts.ticketType === 'string' ? facts.ticketType : '',
      })
    : kind;
}

/** An event as attendees will see it. */
export function toShown(
  { ticketTypes, startsAt, endsAt, ...event }: EditedEvent,
  now = new Date(),
): ShownEvent {
  const { currency } = event;
  return {
    ...event,
    ...{ startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() },
    ticketTypes: ticketTypes
      .filter(({ hidden }) => !hidden)
      .map(({ id, name, priceMinor, capacity, sold, held, saleStartsAt, saleEndsAt }) => ({
        ...{ id, name, price: { minor: priceMinor, currency } },
        available: capacity === null ? null : Math.max(0, capacity - sold - held),
        soldOut: capacity !== null && sold >= capacity,
        sale:
          saleStartsAt && saleStartsAt > now
            ? { state: 'upcoming', startsAt: saleStartsAt.toISOString() }
            : { state: saleEndsAt && saleEndsAt <= now ? 'ended' : 'on' },
      })),
  };
}
