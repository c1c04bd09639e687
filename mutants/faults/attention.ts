import type { Fault } from '../fault.ts';

const alerts = 'src/database/alerts.ts';
const figures = 'src/database/desk/dashboard.ts';
const list = 'src/database/desk/list.ts';
const steps = 'src/database/steps.ts';
const dashboard = 'test/api/organizer/dashboard.test.ts';
const looked = 'test/registrations/attention.test.ts';
const decided = 'test/database/alerts.test.ts';

/** The dashboard, what needs attention, and what owners are told. */
export const ATTENTION: Fault[] = [
  {
    name: 'attention: a refund that PayPal refused counts as refunded in the sums',
    file: figures,
    find: "from refunds r join orders o on o.id = r.registration_id where r.state = 'done' and o.event_id = ?",
    replace: 'from refunds r join orders o on o.id = r.registration_id where o.event_id = ?',
    caughtBy: { [dashboard]: 'who is registered, the money' },
  },
  {
    name: 'attention: the payments of registrations that were undone are left out',
    file: figures,
    find: "if (kind === 'captured') sum.paypal += minor;",
    replace: '',
    caughtBy: { [dashboard]: 'undone without an order' },
  },
  {
    name: 'attention: what was paid elsewhere counts as paid through PayPal',
    file: figures,
    find: 'sum.paypal -= minor;',
    replace: '',
    caughtBy: { [dashboard]: 'was paid elsewhere' },
  },
  {
    name: 'attention: the days of the chart are those of UTC',
    file: figures,
    find: ">= d at time zone :timeZone and created_at < (d + interval '1 day') at time zone :timeZone",
    replace: ">= d at time zone 'UTC' and created_at < (d + interval '1 day') at time zone 'UTC'",
    caughtBy: { [dashboard]: 'the time zone of the event' },
  },
  {
    name: 'attention: a hold that is purged is no checkout any more',
    file: 'src/database/checkouts.ts',
    find: 'set checkouts = l.checkouts + excluded.checkouts',
    replace: 'set checkouts = excluded.checkouts',
    caughtBy: { [dashboard]: 'count each checkout once' },
  },
  {
    name: 'attention: the door sees the money',
    file: 'src/api/organizer/dashboard.ts',
    find: "mayOpen(sessionOf(request).organizer.role, '/organizer/registrations')",
    replace: "mayOpen(sessionOf(request).organizer.role, '/organizer')",
    caughtBy: { [dashboard]: 'shows the door neither' },
  },
  {
    name: 'attention: an order that was saved just now counts as one whose mail is missing',
    file: list,
    find: "s.state = 'open' and s.since < now() - interval '1 hour'",
    replace: "s.state = 'open'",
    caughtBy: { [dashboard]: 'within the hour' },
  },
  {
    name: 'attention: another try at a payment begins the ten minutes anew',
    file: 'src/database/seats/claim.ts',
    find: 'claimed_at = case when h.claimed_for = ? then h.claimed_at else ${NOW} end',
    replace: 'claimed_at = case when h.claimed_for = ? then ${NOW} else ${NOW} end',
    caughtBy: { [dashboard]: 'doubtful after ten minutes' },
  },
  {
    name: 'attention: an order saved after its mail opens the step again',
    file: steps,
    find: '  on conflict do nothing)`;',
    replace: "  on conflict (registration_id, step) do update set state = 'open')`;",
    caughtBy: { 'test/database/steps.test.ts': 'whichever comes first' },
  },
  {
    name: 'attention: a step that an organizer has done again is done because it was done before',
    file: steps,
    find: "where state = 'open' and not by_desk and",
    replace: "where state = 'open' and",
    caughtBy: { [looked]: 'is not taken for done' },
  },
  {
    name: 'attention: every worker looks at the same time',
    file: 'src/database/jobs.ts',
    find: 'where j.begun_at <= excluded.begun_at - make_interval(secs => ?)',
    replace: 'where ? > 0',
    caughtBy: { [looked]: 'one worker at a time' },
  },
  {
    name: 'attention: while Temporal is away, nothing is stopped',
    file: 'src/registrations/attention.ts',
    find: '  await probeTemporal(temporal);\n',
    replace: '  await probeTemporal(temporal).catch(() => replaceStoppedRuns(database, []));\n',
    caughtBy: { [looked]: 'is found while something is left' },
  },
  {
    name: 'attention: what comes and goes is an alert when something always was there',
    file: alerts,
    find: 'and not exists (select from found f where f.registration_id = i.registration_id)),',
    replace: 'and not exists (select from found f)),\n     ',
    caughtBy: { [looked]: 'although another one was there meanwhile' },
  },
  {
    name: 'attention: two workers send the same mail',
    file: alerts,
    find: "and (m.tried_at is null or m.tried_at < clock_timestamp() - interval '${TRY_MINUTES} minutes')",
    replace: '',
    caughtBy: { [looked]: 'wherever one of them dies' },
  },
  {
    name: 'attention: owners are told that it is over before they are told that it began',
    file: alerts,
    find: "b.kind = 'begun' and b.settled_at is null))",
    replace: "b.kind = 'begun' and false))",
    caughtBy: { [looked]: 'neither lost nor out of order' },
  },
  {
    name: 'attention: everybody with access is told',
    file: alerts,
    find: "organizers o where o.role = 'owner' and o.removed_at is null",
    replace: 'organizers o where o.removed_at is null',
    caughtBy: { [decided]: 'begin once' },
  },
];
