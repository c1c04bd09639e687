/** What is under way when a store is lost: vendors are away and a table is locked, so that each run stops where it is meant to. */
import { randomUUID } from 'node:crypto';
import { cancelEventPath } from '../src/organizer.ts';
import { workflowId } from '../src/registration.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { ifThere } from '../src/temporal/client.ts';
import type { World } from '../stage/world.ts';
import type { signInOwner } from './desk.ts';
import { PENDING_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { actorsOf, eventually, type Fair, type Person, type State } from './states.ts';

type Owner = Awaited<ReturnType<typeof signInOwner>>;
const WITHIN_MS = 60_000;

/**
 * Brings so many people into each state that does not stay as it is, and cancels an event.
 * @returns them, and a function that unlocks what keeps orders from being saved
 */
export async function unfinishedPeople(
  world: World,
  owner: Owner,
  { count, fair }: { count: number; fair: Fair },
): Promise<{ people: Person[]; unlock: () => Promise<void> }> {
  const { client, database, sandbox } = world;
  const { someone, isOrdered, confirmed, refund, addByHand, importPeople } = actorsOf(world);
  const many = (state: State) => Array.from({ length: count }, () => someone(state));
  const idsOf = (some: ReturnType<typeof many>) => some.map(({ person }) => person.id);
  /** They pay, and nobody waits for the answer. */
  const pay = (some: ReturnType<typeof many>) => {
    for (const one of some) one.pay().catch(() => undefined);
  };
  const isCaptured = (ids: string[]) =>
    ids.every((id) => sandbox.ledger().captures.some(({ custom_id }) => custom_id === id));
  const isClaimed = async (ids: string[]) =>
    (await database('seat_holds').whereIn('id', ids).whereNotNull('claimed_for')).length === ids.length;
  const isAt = async (id: string, activity: string) => {
    const run = await ifThere(client.workflow.getHandle(workflowId(id)).describe());
    return !!run?.raw.pendingActivities?.some(({ activityType }) => activityType?.name === activity);
  };

  const refunding = await confirmed('refund under way', count);
  for (const vendor of ['sendgrid', 'mailchimp'] as const)
    sandbox.faults.set(vendor, { mode: 'unreachable' });
  const open = many('mail and list open');
  for (const one of open) await one.hold();
  pay(open);
  const imported = await importPeople('import under way', count);
  await eventually('orders without their mails', () => isOrdered(idsOf(open)));
  const reviewed = many('payment under review');
  for (const one of reviewed) await one.hold({ number: PENDING_CARD });
  pay(reviewed);
  for (const id of idsOf(reviewed))
    await eventually('payments under review', () => isAt(id, 'settlePayment'));

  const [unsaved, taken, untaken] = [
    many('order not saved'),
    many('payment in doubt, taken'),
    many('payment in doubt, not taken'),
  ];
  for (const one of [...unsaved, ...taken, ...untaken]) await one.hold();
  const locking = connectDatabase(world.databaseUrl, { min: 0, max: 1 });
  const trx = await locking.transaction();
  await trx.raw('lock table ticket_types in share row exclusive mode');
  pay(unsaved);
  for (const id of idsOf(unsaved))
    await eventually('payments whose order is not saved', () => isAt(id, 'saveOrder'));
  const added = await addByHand('addition under way', count, false);
  for (const { id } of added) await eventually('additions without an order', () => isAt(id, 'addOrder'));
  sandbox.faults.set('paypal', { mode: 'cut', only: '/capture' });
  pay(taken);
  await eventually('payments that nobody knows of', () => isCaptured(idsOf(taken)));
  sandbox.faults.set('paypal', { mode: 'unreachable' });
  pay(untaken);
  await eventually('payments that are not taken', () => isClaimed(idsOf(untaken)));
  for (const { id } of refunding) await refund(id, null, true);
  const cancelling = { action: randomUUID(), do: 'cancel', name: fair };
  await owner.send(cancelEventPath(fair), cancelling, Date.now() + WITHIN_MS);
  await eventually('refunds of a cancelled event', async () => {
    const asked = await database('refunds as f')
      .join('orders as o', 'o.id', 'f.registration_id')
      .where({ 'o.event_id': fair, 'f.state': 'asked' });
    return asked.length > 0;
  });
  const people = [...open, ...reviewed, ...unsaved, ...taken, ...untaken].map(({ person }) => person);
  return {
    people: [...people, ...refunding, ...imported, ...added],
    unlock: async () => {
      // Statements that wait would go on without their workers.
      await trx.raw(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await trx.rollback().catch(() => undefined);
      await locking.destroy();
    },
  };
}
