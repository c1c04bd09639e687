/**
 * A drill: people are registered in every state, then PostgreSQL is restored to a backup from before half of them, and later Temporal is
 * replaced with an empty server. Each time, `npm run reconcile -- --repair` is run as an operator would, and everything is audited.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectDatabase } from '../src/database/connection.ts';
import { cancelEventPath } from '../src/organizer.ts';
import { tellPaymentNews } from '../src/temporal/runs.ts';
import { copyDatabase } from '../stage/database-copy.ts';
import { startWorld, type World } from '../stage/world.ts';
import { signInOwner } from './desk.ts';
import { FAIRS, prepare, settledPeople, TICKETS, type Person } from './states.ts';
import { auditStores, type Listed, type StoreViolations } from './stores-audit.ts';
import { tally } from './tally.ts';
import { unfinishedPeople } from './unfinished.ts';

/** `each`: so many people in each state, before and after the backup. `repairs`: without it, the command only lists. */
export type DrillOptions = { each: number; repairs: boolean };
export type DrillReport = {
  /** Right after each loss, and at the end of its repair. */
  atOnce: Record<Loss, StoreViolations>;
  violations: Record<Loss, StoreViolations>;
  people: Record<string, number>;
  outcomes: Record<string, number>;
  /** What the command has said, in its own words, counted. */
  said: Record<string, number>;
  seconds: number;
  folder: string | undefined;
};
type Loss = 'orders lost' | 'Temporal lost';
type Say = (line: string) => void;
type Owner = Awaited<ReturnType<typeof signInOwner>>;

const root = fileURLToPath(new URL('..', import.meta.url));
const OWNER = 'ada@example.org';
const LOOK_EVERY_MS = 500;
const SETTLE_WITHIN_MS = 240_000;
const SEND_WITHIN_MS = 60_000;

export async function runDrill({ each, repairs }: DrillOptions, say: Say): Promise<DrillReport> {
  const startedAt = Date.now();
  const world = await startWorld({ tickets: TICKETS });
  let keep = true;
  try {
    await prepare(world);
    const owner = await signInOwner(world, OWNER);
    const said: string[] = [];
    const listed: Listed = { resumed: [], lost: [] };
    const people = await settledPeople(world, each);
    say(`${people.length} people are registered. A backup is made`);
    const restore = await backUp(world);
    people.push(...(await settledPeople(world, each)));
    const [ofOrders, ofRuns] = FAIRS;
    const first = await unfinishedPeople(world, owner, { count: each, fair: ofOrders });
    people.push(...first.people);
    say(
      `${people.length} people are registered, and much is under way. PostgreSQL is restored from the backup`,
    );
    await world.kill('worker', 'all');
    await world.kill('api');
    await first.unlock();
    await restore();
    world.sandbox.faults.clear();
    const withoutOrders = await auditStores(world, people, listed);
    const toldFirst = await reconcile(world, repairs, listed, said);
    await world.reviveAll();
    await goOn(world, owner, repairs, listed, said, say, toldFirst);
    const orders = await auditStores(world, people, listed);
    const violations = { 'orders lost': orders.violations, 'Temporal lost': orders.violations };

    const second = await unfinishedPeople(world, owner, { count: each, fair: ofRuns });
    people.push(...second.people);
    say(
      `${people.length} people are registered, and much is under way. Temporal is replaced with an empty server`,
    );
    await world.kill('worker', 'all');
    await world.kill('api');
    await second.unlock();
    await world.loseTemporal();
    world.sandbox.faults.clear();
    const withoutRuns = await auditStores(world, people, listed);
    await world.reviveAll();
    await age(world);
    const toldThen = await reconcile(world, repairs, listed, said);
    await goOn(world, owner, repairs, listed, said, say, toldThen);
    const runs = await auditStores(world, people, listed);
    violations['Temporal lost'] = runs.violations;
    keep =
      repairs && Object.values(violations).some((one) => Object.values(one).some((ids) => ids.length > 0));
    return {
      ...{ violations, outcomes: runs.outcomes, said: tally(said) },
      atOnce: { 'orders lost': withoutOrders.violations, 'Temporal lost': withoutRuns.violations },
      people: tally(people.map(({ state }: Person) => state)),
      seconds: Math.round((Date.now() - startedAt) / 1000),
      folder: keep ? world.folder : undefined,
    };
  } finally {
    await world.stop(keep);
  }
}

/** Copies the database as it is. Returns a function that puts the copy in its place, while api and workers are down. */
async function backUp({ databaseUrl }: World): Promise<() => Promise<void>> {
  const name = databaseUrl.slice(databaseUrl.lastIndexOf('/') + 1);
  const admin = connectDatabase(databaseUrl.replace(/[^/]+$/, 'postgres'), { min: 0, max: 1 });
  const restore = await copyDatabase(admin, name, `${name}_backup`);
  return async () => {
    await restore();
    await admin.destroy();
  };
}

/** As if everything had happened ten minutes earlier: the command leaves alone what is younger than five. */
async function age({ database }: World): Promise<void> {
  const columns = [
    ['seat_holds', 'claimed_at'],
    ['seat_holds', 'created_at'],
    ['refunds', 'asked_at'],
    ['additions', 'created_at'],
    ['step_outcomes', 'since'],
    ['event_cancellations', 'asked_at'],
  ];
  for (const [table = '', column = ''] of columns)
    await database.raw(`update ${table} set ${column} = ${column} - interval '10 minutes'`);
}

/** Runs the command as an operator does, and notes what it lists. */
async function reconcile(world: World, repairs: boolean, listed: Listed, said: string[]): Promise<string[]> {
  const args = ['--import', 'tsx', 'src/commands/reconcile.ts', ...(repairs ? ['--repair'] : [])];
  const env = { ...process.env, ...world.settings };
  const { out, error } = await new Promise<{ out: string; error: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: root, env }, (_failed, stdout, stderr) => {
      resolve({ out: stdout, error: stderr });
    });
  });
  if (error) throw new Error(`npm run reconcile: ${error}`);
  const lines = out.trim().split('\n');
  for (const line of lines) {
    const [first = '', id = '', ...rest] = line.split('  ');
    const told = rest.at(-1) ?? '';
    if (told === 'resumed') listed.resumed.push(id);
    if (/(^|: |, )(person-unknown|unknown-ticket-type|unreadable|impossible)/.test(told))
      listed.lost.push(id);
    said.push(
      rest.length > 0 ? rest.map((column) => column.replaceAll(/[\w-]{17,}/g, '…')).join('  ') : first,
    );
  }
  return lines;
}

/** Does what the page for operators says comes next, until nothing is open any more. */
async function goOn(
  world: World,
  owner: Owner,
  repairs: boolean,
  listed: Listed,
  said: string[],
  say: Say,
  lines: string[],
): Promise<void> {
  if (!repairs) return;
  const toCancel = FAIRS.filter((fair) =>
    lines.some((line) => line.includes(fair) && line.endsWith('cancel it again')),
  );
  for (const event of toCancel) {
    const fields = { action: randomUUID(), do: 'cancel', name: event };
    await owner.send(cancelEventPath(event), fields, Date.now() + SEND_WITHIN_MS);
  }
  await age(world);
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  for (let quiet = 0, rounds = 0; quiet < 2 && Date.now() < deadline; rounds++) {
    await decide(world);
    const open = await openWork(world);
    quiet = open.length === 0 ? quiet + 1 : 0;
    if (rounds % 20 === 19) {
      say(`${open.length} are still open, such as ${open[0] ?? 'none'}`);
      await age(world);
      await reconcile(world, repairs, listed, said);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** PayPal decides about the payments that it reviews. */
async function decide({ client, sandbox }: World): Promise<void> {
  for (const { id, custom_id, status } of sandbox.ledger().captures) {
    if (status !== 'PENDING' || !custom_id) continue;
    sandbox.settle(id, 'COMPLETED');
    await tellPaymentNews(client, custom_id).catch(() => undefined);
  }
}

/** What is under way: runs that do not wait for an attendee, refunds, steps and cancellations. */
async function openWork({ client, database }: World): Promise<string[]> {
  const open: string[] = [];
  for await (const { workflowId: name, runId } of client.workflow.list({
    query: 'ExecutionStatus = "Running"',
  })) {
    const { raw, status } = await client.workflow.getHandle(name, runId).describe();
    const isAtWork = !!raw.pendingWorkflowTask || (raw.pendingActivities ?? []).length > 0;
    if (status.name === 'RUNNING' && isAtWork) open.push(name);
  }
  const [refunds, steps, cancellations] = await Promise.all([
    database('refunds').where({ state: 'asked' }).pluck<string[]>('registration_id'),
    database('step_outcomes').where({ state: 'open' }).pluck<string[]>('registration_id'),
    database('event_cancellations').whereNull('finished_at').pluck<string[]>('event_id'),
  ]);
  return [...open, ...refunds, ...steps, ...cancellations];
}
