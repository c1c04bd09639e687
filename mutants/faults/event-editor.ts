/** The editor of events: its locks, its versions, what stays once it is in use, and what of it the public sees. */
import { definitionOf, type Fault } from '../fault.ts';

const [editor, form, holds, holdNewSeat, shown] = [
  'src/database/event-editor.ts',
  'src/event-form.ts',
  'src/database/seats/hold.ts',
  definitionOf('create or replace function hold_new_seat'),
  'src/database/events.ts',
];
const [races, pages, attendees, texts] = [
  'test/database/event-editor.test.ts',
  'test/api/organizer/events.test.ts',
  'test/api/attendee/pages.test.ts',
  'test/web/markdown.test.ts',
];

export const EVENT_EDITOR: Fault[] = [
  {
    name: 'event-editor: an edit does not lock the ticket types',
    file: editor,
    find: "await trx.raw('select from ticket_types where event_id = ? order by id for update', [id]);",
    replace: '',
    caughtBy: { [races]: 'is refused with the numbers as they are' },
  },
  {
    name: 'event-editor: an edit does not lock the event',
    file: editor,
    find: "await trx.raw('select from events where id = ? for no key update', [id]);\n    await trx.raw('select from ticket_types where event_id = ? order by id for update', [id]);",
    replace: '',
    caughtBy: { [races]: 'of two edits of one version' },
  },
  {
    name: 'event-editor: a hold of a ticket type without a limit does not wait for an edit',
    file: holdNewSeat,
    find: 'if turn = 2 and unlimited then\n          perform from ticket_types t where t.event_id = event and t.id = ticket_type for key share;\n        elsif turn = 2 then',
    replace: 'if turn = 2 and not unlimited then',
    caughtBy: { [races]: 'that limits it waits for the holds' },
  },
  {
    name: 'event-editor: a form of an older version is saved',
    file: editor,
    find: "if (event.version !== version) throw new EditRefused({ status: 'changed' });",
    replace: '',
    caughtBy: { [races]: 'of two edits of one version' },
  },
  {
    name: 'event-editor: held seats do not count against a lower capacity',
    file: editor,
    find: 'now.sold + now.held <= capacity',
    replace: 'now.sold <= capacity',
    caughtBy: { [pages]: 'never have fewer seats than are sold and held' },
  },
  {
    name: 'event-editor: the currency can be changed at any time',
    file: editor,
    find: 'event.currency !== before.currency && isInUse(before)',
    replace: 'false',
    caughtBy: { [pages]: 'can be changed before the first hold, and not after' },
  },
  {
    name: 'event-editor: a lapsed hold goes whatever PayPal still remembers',
    file: holds,
    find: 'const PAYPAL_REPEATS_HOURS = 6;',
    replace: 'const PAYPAL_REPEATS_HOURS = 0;',
    caughtBy: { [pages]: 'cannot be removed once somebody held' },
  },
  {
    name: 'event-editor: a late form takes the place of what others have saved',
    file: form,
    find: 'const value = saved !== first && mine === first ? saved : mine;',
    replace: 'const value = mine;',
    caughtBy: { [pages]: 'the second one is told, and nothing of either is lost' },
  },
  {
    name: 'event-editor: a time that was not edited moves to the first of two',
    file: form,
    find: 'if (was && timeZone === before?.timeZone && writeLocalTime(was, timeZone) === text) return was;',
    replace: '',
    caughtBy: { [pages]: 'also in the nights in which the clocks are set' },
  },
  {
    name: 'event-editor: hidden ticket types are shown',
    file: shown,
    find: ", 't.hidden': false }",
    replace: ' }',
    caughtBy: { [attendees]: 'and nothing hidden' },
  },
  {
    name: 'event-editor: a description may hold HTML',
    file: 'src/web/markdown.ts',
    find: 'html: false',
    replace: 'html: true',
    caughtBy: { [texts]: 'makes no script' },
  },
];
