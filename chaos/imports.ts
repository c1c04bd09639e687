/** Organizers who import a file while any part may fail. Each form is sent three times at once, and the file once more under another form. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../stage/world.ts';
import type { Added, PlannedAddition } from './additions.ts';
import type { Desk } from './desk.ts';
import { untilAnswered, type Patience } from './organizer.ts';

/** `actions`: those of the two forms. `at`: when the organizer begins, in milliseconds after the start of the run. */
export type PlannedImport = { actions: [string, string]; people: PlannedAddition[]; at: number };

const AT_ONCE = 3;
const PEOPLE = 8;
const LOOK_EVERY_MS = 300;

/** Plans one import for every hundred people who register, and one at least. */
export const planImports = (
  registrations: number,
  { below, uuid, ms }: { below: (n: number) => number; uuid: () => string; ms: number },
): PlannedImport[] =>
  Array.from({ length: Math.max(1, Math.round(registrations / 100)) }, (_, file) => {
    const at = below(ms);
    const people = Array.from({ length: PEOPLE }, (_person, n) => ({
      ...{ action: uuid(), email: `imported${file}-${n}@example.org`, at },
    }));
    return { actions: [uuid(), uuid()], people, at };
  });

/** Imports a file, and imports it again. Returns who was added. */
export async function importFile(
  { database }: World,
  desk: Desk,
  { actions, people }: PlannedImport,
  { deadline }: Patience,
): Promise<Added[]> {
  const file = ['First name;Last name;Email;Ticket type;Payment']
    .concat(people.map(({ email }) => `Ada;Example;${email};Regular;complimentary`))
    .join('\n');
  for (const action of actions) {
    const send = () => untilAnswered(() => desk.importFile(action, file), deadline);
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, send));
    const [id] = answers.flatMap((answer) => (answer.status === 'imported' ? [answer.id] : []));
    while (id !== undefined && Date.now() < deadline) {
      const row = await database('imports')
        .where({ id })
        .first<{ state: string } | undefined>('state')
        .catch(() => undefined);
      if (row?.state === 'done') break;
      await sleep(LOOK_EVERY_MS);
    }
  }
  const emails = people.map(({ email }) => email);
  const saved = await untilAnswered(
    async () => ({
      status: 'read' as const,
      orders: await database('orders').whereIn('email', emails).select<{ id: string; email: string }[]>(),
    }),
    deadline,
  );
  const orders = saved.status === 'read' ? saved.orders : [];
  return people.map(({ action, email }) => ({
    action,
    id: orders.find((order) => order.email === email)?.id,
  }));
}
