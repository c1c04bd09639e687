/** The questions of organizers, and what they are answered. */
import type { Fault } from '../fault.ts';

const [api, rules, database] = [
  'src/api/attendee/answers.ts',
  'src/questions.ts',
  'src/database/questions.ts',
];
const [answers, editors, desk] = [
  'test/api/attendee/answers.test.ts',
  'test/database/questions.test.ts',
  'test/api/organizer/questions.test.ts',
];

export const QUESTIONS: Fault[] = [
  {
    name: 'questions: what was accepted with the seat is judged again with the payment',
    file: api,
    find: 'if (hold?.answersHash === answersHashOf(form.id, answers)) return answers;',
    replace: '',
    caughtBy: { [answers]: 'keep nobody from paying' },
  },
  {
    name: 'questions: answers are refused while a payment is in flight',
    file: api,
    find: 'if (!hold?.claimed) {',
    replace: 'if (String(hold)) {',
    caughtBy: { [answers]: 'while a payment is in flight' },
  },
  {
    name: 'questions: every question is asked for each ticket type',
    file: rules,
    find: 'ticketTypes === null || ticketTypes.includes(ticketType);',
    replace: 'ticketTypes === null || ticketTypes.length > 0 || ticketTypes.includes(ticketType);',
    caughtBy: { [answers]: 'are those of the ticket type' },
  },
  {
    name: 'questions: a box that has to be ticked may be left empty',
    file: rules,
    find: "if (kind === 'checkbox' && required && answer !== true) return 'tick';",
    replace: '',
    caughtBy: { [answers]: 'in the words of the field' },
  },
  {
    name: 'questions: two editors change the questions at the same moment',
    file: database,
    find: 'locked(database, `questions ${event}`',
    replace: 'locked(database, `questions ${action}`',
    caughtBy: { [editors]: 'of ten editors' },
  },
  {
    name: 'questions: the second editor is not told',
    file: database,
    find: "if (versionOf(all) !== version) return { outcome: 'outdated' };",
    replace: '',
    caughtBy: { [editors]: 'of ten editors', [desk]: 'tells the second of two editors' },
  },
  {
    name: 'questions: answers are repeated to an address that nobody has confirmed',
    file: 'src/web/emails/emails.ts',
    find: 'buyer: [], answers: [] };',
    replace: 'buyer: [], answers: tellAnswers(order.questions ?? [], order.answers, t) };',
    caughtBy: { [answers]: 'that nobody has confirmed', 'test/web/emails/emails.test.ts': 'repeats answers' },
  },
  {
    name: 'questions: an erasure leaves the answers',
    file: 'src/database/orders.ts',
    find: '  newsletter_wording: null,\n  answers: null,\n};',
    replace: '  newsletter_wording: null,\n} as Personal;',
    caughtBy: { 'test/security/erasure.test.ts': 'leaves nothing of a person' },
  },
  {
    name: 'questions: accountants read answers',
    file: 'src/web/organizer/registration.ts',
    find: "frame.desk?.acts('/organizer/registrations/:id/answers')",
    replace: 'frame.desk',
    caughtBy: { [desk]: 'not for accountants' },
  },
  {
    name: 'questions: the cancelled are counted with the confirmed',
    file: database,
    find: "o.status = 'confirmed' and o.answers is not null",
    replace: 'o.answers is not null',
    caughtBy: { [editors]: 'counts the answers of those who are confirmed' },
  },
];
