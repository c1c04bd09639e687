/**
 * An event is cancelled while everything is killed, while people pay, and with too little money: each payment goes back exactly
 * once, except those that PayPal refuses for good.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LOOK_EVERY_MS, populate, type Attendee } from './attendees.ts';
import { auditCancellation, type CancellationViolations } from './cancelled.ts';
import { register } from './client.ts';
import { signInOwner } from './desk.ts';
import { randomOf } from './plan.ts';
import { tally } from './tally.ts';
import { findCancellation } from '../src/database/cancelled-events/cancellation.ts';
import { countCancelled } from '../src/database/cancelled-events/progress.ts';
import { cancelEventPath } from '../src/organizer.ts';
import { PARTS, startWorld, type World } from '../stage/world.ts';

/**
 * `paying`: so many people pay while the event is cancelled. `refused`: so many payments are too old. `fundsFor`: the account has
 * money for so many refunds at first. `killEveryMs`: 0 for no kills. `isHurried`: the wait for late statements is left out.
 */
export type CancelOptions = {
  seed: number;
  registrations: number;
  paying: number;
  refused: number;
  fundsFor: number | null;
  killEveryMs: number;
  isHurried?: boolean;
};
export type CancelReport = {
  violations: CancellationViolations;
  counts: { done: number; refused: number; left: number };
  kills: Record<string, number>;
  pauses: number;
  runs: number;
  /** From the decision to the end of the run. */
  seconds: number;
  folder: string | undefined;
};
type Say = (line: string) => void;

const EVENT = 'conference';
const PRICE = 12_000;
const OWNER = 'ada@example.org';
type Owner = Awaited<ReturnType<typeof signInOwner>>;
/** For so long, payments are slow before the event is cancelled, and until somebody pays. */
const SLOW_MS = 1000;
const PAYING_WITHIN_MS = 20_000;
const FINISH_WITHIN_MS = 900_000;
/** People begin to pay so long before and after the cancellation. */
const AROUND_MS = 3000;
const TELL_WITHIN_MS = 120_000;

/** @param broken protections to disable, comma-separated (see break.ts) */
export async function runCancelEvent(options: CancelOptions, say: Say, broken = ''): Promise<CancelReport> {
  const random = randomOf(options.seed);
  const world = await startWorld({
    ...(broken && {
      preload: fileURLToPath(new URL('break.ts', import.meta.url)),
      settings: { CHAOS_BREAK: broken },
    }),
  });
  let keep = true;
  try {
    const attendees = await populate(world, options.registrations, random);
    const paid = attendees.filter(({ captureId }) => captureId !== null);
    const old = paid.slice(0, options.refused);
    for (const { captureId } of old) world.sandbox.age(captureId ?? '', 181);
    const owner = await signInOwner(world, OWNER);
    say(`${attendees.length} are registered, ${old.length} of them paid too long ago`);
    if (options.fundsFor !== null) world.sandbox.setAccount({ funds: options.fundsFor * PRICE });

    const over = new AbortController();
    const killing = options.killEveryMs > 0 ? killUntil(world, options, over.signal, random) : [];
    const deadline = Date.now() + FINISH_WITHIN_MS;
    const clients = Array.from({ length: options.paying }, () => ({
      ...{ id: random.uuid(), ticketType: 'regular' as const, newsletter: false },
      ...{ manner: random.one(['pays', 'impatient', 'thrice'] as const), at: random.below(2 * AROUND_MS) },
    }));
    const paying = clients.map(async (client) => {
      await sleep(client.at);
      return register(world, client, { deadline: Date.now() + 60_000, watchUntil: Date.now() });
    });
    await sleep(AROUND_MS);
    const startedAt = Date.now();
    // Whoever pays now is not done before the event is cancelled.
    world.sandbox.faults.set('paypal', { mode: 'slow', ms: 4000, only: '/capture' });
    await sleep(SLOW_MS);
    await somebodyPays(world, Date.now() + PAYING_WITHIN_MS);
    const cancel = () =>
      owner.send(
        cancelEventPath(EVENT),
        { action: random.uuid(), do: 'cancel', name: 'Conference' },
        deadline,
      );
    await Promise.all([cancel(), cancel(), cancel()]);
    say('The event is cancelled, three times at once');
    world.sandbox.faults.clear();
    if (options.isHurried) await hurry(world, Promise.all(paying));
    await follow(world, owner, deadline, say);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    over.abort();
    const kills = await killing;
    await world.reviveAll();
    await Promise.all(paying);
    const everybody: Attendee[] = [
      ...attendees,
      ...clients.map(({ id }) => ({ id, captureId: captureOf(world, id) })),
    ];
    await told(world, everybody, old, broken ? 0 : TELL_WITHIN_MS);
    const result = await auditCancellation(world, { event: EVENT, everybody, old, owner: OWNER });
    keep = Object.values(result.violations).some((ids) => ids.length > 0) && !broken;
    const cancellation = await findCancellation(world.database, EVENT);
    return {
      ...result,
      ...{ kills: tally(kills), seconds, pauses: cancellation?.pauses ?? 0 },
      counts: await countCancelled(world.database, EVENT),
      folder: keep ? world.folder : undefined,
    };
  } finally {
    await world.stop(keep);
  }
}

/** Waits until somebody's payment is in flight. */
async function somebodyPays({ database }: World, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    const claims = await database('seat_holds')
      .whereNotNull('claimed_for')
      .select<object[]>('id')
      .catch(() => []);
    if (claims.length > 0) return;
    await sleep(LOOK_EVERY_MS);
  }
}

const captureOf = ({ sandbox }: World, id: string) =>
  sandbox.ledger().captures.find(({ custom_id, status }) => custom_id === id && status !== 'DECLINED')?.id ??
  null;

/** Kills one part after the other, each for a moment. Returns what was killed. */
async function killUntil(
  world: World,
  { killEveryMs }: CancelOptions,
  over: AbortSignal,
  { below }: ReturnType<typeof randomOf>,
): Promise<string[]> {
  const killed: string[] = [];
  for (let n = 0; ; n++) {
    const waited = sleep(killEveryMs, true, { signal: over });
    const goesOn = await waited.catch(() => false);
    const part = PARTS[n % PARTS.length];
    if (!goesOn || part === undefined) return killed;
    const names = await world.kill(part);
    killed.push(...names);
    await sleep(200 + below(1200));
    await world.revive(names);
  }
}

/** As if the event had been cancelled earlier: nobody's statement is on its way any more. */
async function hurry({ database }: World, paying: Promise<unknown>): Promise<void> {
  await paying;
  const earlier = () =>
    database('event_cancellations').update({ asked_at: database.raw("asked_at - interval '1 minute'") });
  // PostgreSQL may just have been killed.
  while ((await earlier().catch(() => 0)) === 0) await sleep(LOOK_EVERY_MS);
}

/** Waits for the end. Where money is missing, it is added, and an organizer resumes. */
async function follow(world: World, owner: Owner, deadline: number, say: Say): Promise<void> {
  let told = '';
  while (Date.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    const [cancellation, counts] = await Promise.all([
      findCancellation(world.database, EVENT).catch(() => undefined),
      countCancelled(world.database, EVENT).catch(() => undefined),
    ]);
    if (!cancellation || !counts) continue;
    const line = `${counts.done} done, ${counts.refused} refused, ${counts.left} left`;
    if (cancellation.finishedAt) {
      say(`The cancellation has ended: ${line}`);
      return;
    }
    if (cancellation.paused === 'funds') {
      say(`Money is missing: ${line}`);
      world.sandbox.setAccount({ funds: null });
      const again = { action: crypto.randomUUID(), do: 'resume' };
      await owner.send(cancelEventPath(EVENT), again, deadline);
    }
    const hundreds = String(Math.floor(counts.done / 100));
    if (hundreds !== told) say(line);
    told = hundreds;
  }
  say('The cancellation has not ended in time');
}

/** Waits until the runs of the refunds have told everybody. */
async function told(
  { sandbox }: World,
  everybody: Attendee[],
  old: Attendee[],
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  const wanted = everybody.filter(
    ({ id, captureId, isFree }) => (captureId !== null || isFree) && !old.some((other) => other.id === id),
  );
  function isTold(): boolean {
    const mails = new Set(
      sandbox
        .ledger()
        .mails.filter(({ categories }) => categories.some((one) => one === 'cancelled' || one === 'refunded'))
        .map(({ customArgs }) => customArgs.registrationId),
    );
    return wanted.every(({ id }) => mails.has(id));
  }
  while (!isTold() && Date.now() < deadline) await sleep(LOOK_EVERY_MS);
}
