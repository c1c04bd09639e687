import type { Fault } from '../fault.ts';

const limits = 'src/api/limits.ts';
const shared = 'src/api/shared-limits.ts';
const severalApis = 'test/security/several-apis.test.ts';

/** Rate limits of all api processes together. */
export const LIMITS: Fault[] = [
  {
    name: 'shared limits: each api counts tries for itself',
    file: limits,
    find: 'if (further <= 0) return;',
    replace: 'if (further <= 0 || further > 0) return;',
    caughtBy: { [severalApis]: 'are no more than at one' },
  },
  {
    name: 'shared limits: the first tries are never told to the database',
    file: limits,
    find: 'further === 1 ? Math.min(countOf(tries), seen) : 1',
    replace: '1',
    caughtBy: { [severalApis]: 'tries at two apis in turn are no more' },
  },
  {
    name: 'shared limits: every try is a statement',
    file: limits,
    find: 'Math.min(4, Math.floor(max / 10))',
    replace: 'Math.min(0, max)',
    caughtBy: { [severalApis]: 'takes no statement more' },
  },
  {
    name: 'shared limits: declines of an address at several apis block nothing',
    file: limits,
    find: 'if (isOver(ofAddress)) await',
    replace: 'if (!ofAddress) await',
    caughtBy: { [severalApis]: 'are too many for an address' },
  },
  {
    name: 'shared limits: declines of an email address at several apis block nothing',
    file: limits,
    find: 'refuseOver(await together.ofPerson.look(personIn(request)))',
    replace: 'await together.ofPerson.look(personIn(request))',
    caughtBy: { [severalApis]: 'are too many for an email address' },
  },
  {
    name: 'shared limits: a database that is slow is waited for',
    file: shared,
    find: 'answerMs: 300',
    replace: 'answerMs: 9000',
    caughtBy: { [severalApis]: 'delays nobody for long' },
  },
  {
    name: 'shared limits: the database gets IP addresses',
    file: shared,
    find: "return (text) => createHmac('sha256', key).update(text).digest('base64url');",
    replace: "return (text) => text + (key ? '' : createHmac('sha256', key).digest('base64url'));",
    caughtBy: { [severalApis]: 'cannot tell who was counted' },
  },
  {
    name: 'shared limits: a connection has to remember the statements that count',
    file: 'src/database/rate-limits.ts',
    find: 'connection.query({ text, values: values ?? [] })',
    replace:
      "connection.query({ name: text.includes('INSERT') ? 'add' : 'look', text, values: values ?? [] })",
    caughtBy: { 'test/database/pooler.test.ts': 'without statements that a connection has to remember' },
  },
  {
    name: 'pooler: statements without a time limit count as limited',
    file: 'src/database/connection.ts',
    find: "rows[0].statement_timeout !== '0'",
    replace: "rows[0].statement_timeout !== ''",
    caughtBy: { 'test/database/pooler.test.ts': 'whether statements end after some time' },
  },
];
