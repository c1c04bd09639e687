/** Registrations that organizers add, by hand and from a file. */
import type { Fault } from '../fault.ts';

const [additions, imports, file, check] = [
  'src/database/additions.ts',
  'src/database/imports.ts',
  'src/imports/file.ts',
  'src/imports/check.ts',
];
const [decided, byHand, byFile, run] = [
  'test/database/additions.test.ts',
  'test/api/organizer/add.test.ts',
  'test/api/organizer/import.test.ts',
  'test/workflows/import.test.ts',
];

export const BY_HAND: Fault[] = [
  {
    name: 'by hand: an import does not look for a row that was added before',
    file: additions,
    find: "if (row.identity !== null && (await isAddedBefore(trx, row.identity))) return 'added-before';",
    replace: '',
    caughtBy: { [decided]: 'two imports add the same person once' },
  },
  {
    name: 'by hand: the order forgets where it came from',
    file: additions,
    find: "source: row.import_id === null ? 'by-hand' : 'import',",
    replace: "source: 'by-hand',",
    caughtBy: { [byFile]: 'adds each person with one mail' },
  },
  {
    name: 'by hand: the person stays where it was typed',
    file: additions,
    find: '.update({ ...NOBODY, ...decided });',
    replace: '.update({ ...decided });',
    caughtBy: { [decided]: 'forgets who it is for elsewhere' },
  },
  {
    name: 'by hand: what was refused is possible again later',
    file: additions,
    find: "if (refusal) await end(trx, id, 'expired');",
    replace: '',
    caughtBy: { [decided]: 'where no seat is left' },
  },
  {
    name: 'by hand: the form takes what was paid elsewhere for a payment through PayPal',
    file: 'src/web/emails/emails.ts',
    find: "elsewhere: 'mail.paid-elsewhere',",
    replace: "elsewhere: 'mail.paid-on',",
    caughtBy: { [byHand]: 'a receipt that does not speak of PayPal' },
  },
  {
    name: 'by hand: the page offers a refund of what PayPal has not taken',
    file: 'src/database/desk/details.ts',
    find: 'minor: bought?.paypal ? Math.max(',
    replace: 'minor: bought ? Math.max(',
    caughtBy: { [byHand]: 'cannot be refunded by PayPal' },
  },
  {
    name: 'by hand: the same form adds another person to nobody',
    file: 'src/api/organizer/add.ts',
    find: "if (before && !isSame(before, addition)) return notAdded(request, reply, events, 'other-person');",
    replace: '',
    caughtBy: { [byHand]: 'is not mixed up with another person' },
  },
  {
    name: 'import: a form with a file needs no token',
    file: 'src/api/organizer/forms.ts',
    find: "if (accessOf(request) !== 'anybody' && !isValid())",
    replace: "if (accessOf(request) !== 'anybody' && !isWithFiles(request) && !isValid())",
    caughtBy: { [byFile]: 'only with the token of its session' },
  },
  {
    name: 'import: a run that was stopped does not look for registrations without a run',
    file: imports,
    find: "(a.state = 'waiting' or (a.state = 'added' and not a.has_run))",
    replace: "(a.state = 'waiting' or (a.state = 'added' and not a.has_run and false))",
    caughtBy: { [byFile]: 'would still have no mail' },
  },
  {
    name: 'import: files that nobody confirms stay',
    file: imports,
    find: "await database('imports').where({ state: 'checked' }).where('created_at', '<', aDayAgo).delete();",
    replace: '',
    caughtBy: { [byFile]: 'that nobody confirms is deleted' },
  },
  {
    name: 'import: what is not UTF-8 is read with wrong letters',
    file,
    find: '{ fatal: true }',
    replace: '{ fatal: false }',
    caughtBy: { 'test/imports/file.test.ts': 'that is not UTF-8' },
  },
  {
    name: 'import: a row that comes twice is added twice',
    file: check,
    find: 'if (before !== undefined) twice.push({ line: row.line, first: before });',
    replace: 'if (before === -1) twice.push({ line: row.line, first: before });',
    caughtBy: { [byFile]: 'tells faults by line' },
  },
  {
    name: 'import: a registration that has its run stops the import',
    file: 'src/workflows/import.ts',
    find: 'if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;',
    replace: 'throw error;',
    caughtBy: { [run]: 'does not start a run again' },
  },
];
