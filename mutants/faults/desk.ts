import type { Fault } from '../fault.ts';

const list = 'src/database/desk/list.ts';
const address = 'src/web/organizer/list.ts';
const migration = 'migrations/20261128000000_find_registrations.ts';
const lists = 'test/api/organizer/list.test.ts';

/** How organizers find registrations. */
export const DESK: Fault[] = [
  {
    name: 'desk: the page after a row begins with the row',
    file: list,
    find: 'after: `(created_at, id) < (${MOMENT}, ?::uuid)`',
    replace: 'after: `(created_at, id) <= (${MOMENT}, ?::uuid)`',
    caughtBy: { [lists]: 'pages' },
  },
  {
    name: 'desk: a cursor knows the millisecond only',
    file: list,
    find: '(extract(epoch from o.created_at) * 1000000)::bigint::text',
    replace: '(floor(extract(epoch from o.created_at) * 1000) * 1000)::bigint::text',
    caughtBy: { [lists]: 'pages' },
  },
  {
    name: 'desk: rows of one moment are lost between two pages',
    file: list,
    find: 'after: `(created_at, id) < (${MOMENT}, ?::uuid)`',
    replace: 'after: `(created_at < ${MOMENT} and id <> ?::uuid)`',
    caughtBy: { [lists]: 'pages' },
  },
  {
    name: 'desk: pages are counted, and not found by their last row',
    file: list,
    find: 'order by created_at ${order}, id ${order} limit ${PAGE + 1}),',
    replace:
      'order by created_at ${order}, id ${order} limit ${PAGE + 1} offset (case when ${from.way === "after"} then 10 else 0 end)),',
    caughtBy: { [lists]: 'pages' },
  },
  {
    name: 'desk: a cursor that is too large is sent to the database',
    file: address,
    find: '(\\d{1,16}) ',
    replace: '(\\d+) ',
    caughtBy: { [lists]: 'a cursor that is broken' },
  },
  {
    name: 'desk: the tabs count everything',
    file: list,
    find: 'isSearched || filter.answer ? FOUND_COUNTED : countsOf(filter)',
    replace: 'isSearched || filter.answer ? countsOf({}) : countsOf(filter)',
    caughtBy: { [lists]: 'the tabs count' },
  },
  {
    name: 'desk: a refund that PayPal refused counts as refunded',
    file: list,
    find: "and r.state = 'done') as refunded_minor",
    replace: ') as refunded_minor',
    caughtBy: { [lists]: 'what was paid and refunded' },
  },
  {
    name: 'desk: a refund needs attention as soon as it is asked for',
    file: list,
    find: " and asked_at < now() - interval '10 minutes'",
    replace: '',
    caughtBy: { [lists]: 'more than ten minutes' },
  },
  {
    name: 'desk: % and _ in a search stand for other letters',
    file: migration,
    find: "'([\\\\\\\\%_])'",
    replace: "'([\\\\\\\\])'",
    caughtBy: { [lists]: 'does not find more' },
  },
  {
    name: 'desk: the search knows one spelling of ü',
    file: 'src/database/desk/search.ts',
    find: "? ['false', 'true']",
    replace: "? ['false']",
    caughtBy: { [lists]: 'finds Jurgen Mueller' },
  },
  {
    name: 'desk: the page shows a name as HTML',
    file: 'src/web/organizer/views/list.eta',
    find: '<%= row.name %>',
    replace: '<%~ row.name %>',
    caughtBy: { [lists]: 'hostile text' },
  },
  {
    name: 'desk: the door sees e-mail addresses and money',
    file: 'src/api/organizer/access.ts',
    find: "'/organizer/registrations': { GET: readers }",
    replace: "'/organizer/registrations': { GET: everyone }",
    caughtBy: { [lists]: 'answers the role door' },
  },
];
