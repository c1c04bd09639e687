/** Changes of confirmed registrations by organizers. */
import type { Fault } from '../fault.ts';

const [file, seats, desk] = [
  'src/database/changes.ts',
  'test/database/changes.test.ts',
  'test/api/organizer/registrations.test.ts',
];

export const CHANGES: Fault[] = [
  {
    name: 'changes: the seat of a move is not looked for',
    file,
    find: "if (!available.seat) return { status: 'sold-out' };",
    replace: '',
    caughtBy: { [desk]: 'moves to another ticket type' },
  },
  {
    name: 'changes: a move does not lock both ticket types in one order',
    file,
    find: 'order by id for update',
    replace: 'order by id',
    caughtBy: { [seats]: 'in opposite directions' },
  },
  {
    name: 'changes: a move changes what is to be paid',
    file,
    find: "if (available.price_minor !== (await priceOf(trx, order))) return { status: 'other-price' };",
    replace: '',
    caughtBy: { [desk]: 'moves to another ticket type' },
  },
  {
    name: 'changes: the same action twice changes twice',
    file,
    find: "if (before)\n      return CHANGES.includes(before) ? changed(trx, registration, action) : { status: 'not-confirmed' };",
    replace: '',
    caughtBy: { [seats]: 'the same action twice' },
  },
  {
    name: 'changes: a corrected address counts as confirmed',
    file,
    find: "...(fields.includes('email') && { email_confirmed: false }),",
    replace: '',
    caughtBy: { [seats]: 'asks for no confirmed address' },
  },
  {
    name: 'changes: a mail that is tried again goes to the address of before',
    file: 'src/activities/email.ts',
    find: 'return confirm(saved ?? order);',
    replace: 'return confirm(order);',
    caughtBy: { [desk]: 'that a mail is still being tried for' },
  },
];
