/** What organizers see in Temporal's list of runs, the audience after a correction, and signals of somebody without the key. */
import type { Fault } from '../fault.ts';

const [audience, ui, forged] = [
  'test/api/organizer/audience.test.ts',
  'test/temporal/web-ui.test.ts',
  'test/security/forged-payloads.test.ts',
];

export const GAPS: Fault[] = [
  {
    name: 'list of runs: a cancellation keeps the status of before',
    file: 'src/workflows/refund.ts',
    find: "if (patched('status-in-list')) showInList({ status });",
    replace: 'void [status, patched, showInList];',
    caughtBy: { [ui]: 'what the run has made of it' },
  },
  {
    name: 'list of runs: a move keeps the ticket type of before',
    file: 'src/workflows/change.ts',
    find: "if (change.kind === 'move' && patched('ticket-type-in-list'))",
    replace: "if (change.kind === 'move' && patched('ticket-type-in-list') && !change.ticketType)",
    caughtBy: { [ui]: 'what the run has made of it' },
  },
  {
    name: 'failures: what to do about them is left out',
    file: 'src/temporal/failure-converter.cjs',
    find: 'message: `${told} (${facts})`',
    replace: 'message: facts',
    caughtBy: {
      [ui]: 'says its cause without the key',
      'test/temporal/failure-converter.test.ts': 'as the desk does',
    },
  },
  {
    name: 'failures: any text before the facts is shown',
    file: 'src/temporal/failure-converter.cjs',
    find: '(message === known.message || FACTS.test(message))',
    replace: 'true',
    caughtBy: { 'test/temporal/failure-converter.test.ts': 'another text before its facts' },
  },
  {
    name: 'signals: one that is refused holds the run up',
    file: 'src/workflows/refused-signals.ts',
    find: 'isRefused(signal) && patched(marker)',
    replace: '!isRefused && patched(marker)',
    caughtBy: { [forged]: 'not held up by a plain signal' },
  },
  {
    name: 'signals: what was left out is not marked',
    file: 'src/workflows/refused-signals.ts',
    find: 'return workflowInfo().unsafe.isReplaying ? patched(marker) : isRefused(signal) && patched(marker);',
    replace: 'return [workflowInfo, patched, marker].length > 0 && isRefused(signal);',
    caughtBy: { [forged]: 'replays alike with other keys' },
  },
  {
    name: 'audience: the address of before stays',
    file: 'src/activities/mailing-list.ts',
    find: ': await mailchimp.takeOut(former.email, former.since);',
    replace: ": 'kept';",
    caughtBy: { [audience]: 'takes the place of the old one' },
  },
  {
    name: 'audience: the address of before is taken from another registration',
    file: 'src/activities/mailing-list.ts',
    find: 'isBack || (await leaveToAnother(database, id, former))',
    replace: 'isBack',
    caughtBy: { [audience]: 'leaves the old one to another registration' },
  },
  {
    name: 'audience: somebody who has unsubscribed is added with the new address',
    file: 'src/activities/mailing-list.ts',
    find: "&& ticket.newsletter && left !== 'unsubscribed';",
    replace: '&& ticket.newsletter;',
    caughtBy: { [audience]: 'has unsubscribed with the old one' },
  },
  {
    name: 'audience: a further try adds the address of before',
    file: 'src/activities/mailing-list.ts',
    find: 'saved?.attendee ?? attendee',
    replace: 'attendee',
    caughtBy: { [audience]: 'when the old one is still being tried' },
  },
  {
    name: 'audience: an erasure forgets an address that was to be taken out',
    file: 'src/database/subscriptions.ts',
    find: 'return row.since ? [{ email: row.email, since: row.since }, ...former] : former;',
    replace: 'return row.since ? [{ email: row.email, since: row.since }] : former;',
    caughtBy: { [audience]: 'is erased with the old one' },
  },
  {
    name: 'audience: an address that was archived stays so',
    file: 'src/vendors/mailchimp.ts',
    find: "if (known?.status === 'archived') await put({ status: wanted });",
    replace: 'void known;',
    caughtBy: { [audience]: 'can be corrected back' },
  },
  {
    name: 'mails: a confirmation does not say what was changed',
    file: 'src/web/emails/emails.ts',
    find: 'news: order.changed &&',
    replace: "news: order.changed === 'moved' && !order.changed &&",
    caughtBy: { [audience]: 'the confirmation' },
  },
  {
    name: 'form: a link in a name is not looked for',
    file: 'src/web/attendee/fields.ts',
    find: 'link: not && LINK,',
    replace: 'link: not && undefined,',
    caughtBy: { 'test/web/attendee/form.browser.test.ts': 'shows the error of a field on blur' },
  },
];
