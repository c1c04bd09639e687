/** One run of chaos: everybody registers, everything dies, the vendors fail; then it all comes up again and is audited. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { workflowId } from '../src/registration.ts';
import { audit, tally, type Audit } from './audit.ts';
import { look, register, type Told } from './client.ts';
import type { Strike } from './mails.ts';
import { makePlan, TICKETS, type Options, type Plan } from './plan.ts';
import { startWorld, type World } from '../stage/world.ts';

export type Report = Audit & {
  plan: Options;
  kills: Record<string, number>;
  faults: Record<string, number>;
  answers: Record<string, number>;
  seconds: number;
  /** Where data and logs are, when something is wrong. */
  folder: string | undefined;
};
type Say = (line: string) => void;

/** How long clients go on asking after the last trouble, and runs may take to end. */
const PATIENCE_MS = 90_000;
/** How long those who only watch do so after the last trouble; they look once more when all is settled. */
const WATCH_ON_MS = 5000;
const SETTLE_WITHIN_MS = 240_000;

/** @param broken protections to switch off, comma-separated: see break.ts */
export async function runChaos(options: Options, say: Say, broken = ''): Promise<Report> {
  const plan = makePlan(options);
  const world = await startWorld({
    tickets: TICKETS,
    ...(broken && {
      preload: fileURLToPath(new URL('break.ts', import.meta.url)),
      settings: { CHAOS_BREAK: broken },
    }),
  });
  const begun = Date.now();
  let keep = true;
  try {
    const told: Told[] = [];
    const overheld = new Set<string>();
    const watching = watchSeats(world, overheld);
    say(`${plan.registrations} people register within ${plan.seconds} s`);
    const end = begun + plan.seconds * 1000;
    const trouble = Promise.all([strike(world, plan, begun), upset(world, plan, begun)]);
    const everybody = plan.clients.map(async (client) => {
      await until(begun + client.at);
      const patience = { deadline: end + PATIENCE_MS, watchUntil: end + WATCH_ON_MS };
      told.push(...(await register(world, client, patience)));
    });
    const [killed, failed] = await trouble;
    world.sandbox.faults.clear();
    await world.reviveAll();
    say('The trouble is over: everything is up again');
    await Promise.all(everybody);
    watching.abort();
    await settle(world, plan, say);
    const shown = await Promise.all(plan.clients.map(({ id }) => look(world, id)));
    const result = await audit(world, plan.clients, {
      told,
      shown,
      overheld,
      struck: [...killed, ...failed],
    });
    keep = Object.values(result.violations).some((ids) => ids.length > 0) && !broken;
    return {
      ...result,
      plan: options,
      kills: tally(killed.map(({ what }) => what)),
      faults: tally(failed.map(({ what }) => what)),
      answers: tally(told.map(({ method, status }) => `${method} ${status}`)),
      seconds: Math.round((Date.now() - begun) / 1000),
      folder: keep ? world.folder : undefined,
    };
  } finally {
    await world.stop(keep);
  }
}

const until = (time: number): Promise<unknown> => sleep(Math.max(0, time - Date.now()));

/** Kills by plan, and brings back what was killed after a while. Answers what was killed, and when. */
async function strike(world: World, { kills, blackout }: Plan, begun: number): Promise<Strike[]> {
  const now = (names: string[]): Strike[] => {
    const at = Date.now();
    return names.map((what) => ({ what, from: at, to: at }));
  };
  const single = kills.map(async ({ part, at, downMs }) => {
    await until(begun + at);
    const names = await world.kill(part);
    const killed = now(names);
    await sleep(downMs);
    await world.revive(names);
    return killed;
  });
  const dark = async () => {
    await until(begun + blackout.at);
    const workers = await world.kill('worker', 'all');
    const killed = now(workers);
    await sleep(blackout.lastsMs);
    const server = await world.kill('Temporal');
    killed.push(...now(server));
    await world.revive([...server, ...workers]);
    return killed;
  };
  return (await Promise.all([...single, dark()])).flat();
}

/** Has the vendors fail by plan. Answers what each fault was, and when. */
async function upset(world: World, { troubles }: Plan, begun: number): Promise<Strike[]> {
  return Promise.all(
    troubles.map(async ({ provider, fault, at, lastsMs }) => {
      await until(begun + at);
      const from = Date.now();
      world.sandbox.faults.set(provider, fault);
      await sleep(lastsMs);
      world.sandbox.faults.set(provider, { mode: 'up' });
      const detail = fault.status ?? fault.only ?? fault.ms ?? '';
      return { what: `${provider} ${fault.mode} ${detail}`.trimEnd(), from, to: Date.now() };
    }),
  );
}

/** Looks at the seats all the time: what is given back before the end could have been too much all the same. */
function watchSeats({ database }: World, overheld: Set<string>): AbortController {
  const over = new AbortController();
  const look = async () => {
    while (!over.signal.aborted) {
      const rows = await database
        .raw<{ rows: { id: string }[] }>(
          'select ticket_type_id as id from ticket_availability where free < 0',
        )
        .then(({ rows: found }) => found)
        .catch(() => []);
      for (const { id } of rows) overheld.add(id);
      await sleep(100, undefined, { signal: over.signal }).catch(() => undefined);
    }
  };
  look().catch(() => undefined);
  return over;
}

/** Waits until every run has ended. Those that wait for another card are cancelled, as an organizer would. */
async function settle({ client }: World, { clients }: Plan, say: Say): Promise<void> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  const cancelled = new Set<string>();
  for (let open = 1, before = 0; open > 0 && Date.now() < deadline; before = open) {
    await sleep(500);
    open = 0;
    for (const { id } of clients) {
      const handle = client.workflow.getHandle(workflowId(id));
      const run = await handle.describe().catch(() => undefined);
      if (run?.status.name !== 'RUNNING') continue;
      open++;
      const waits = !run.raw.pendingActivities?.length && !run.raw.pendingWorkflowTask;
      if (!waits || cancelled.has(id)) continue;
      cancelled.add(id);
      await handle.cancel();
    }
    if (open !== before && open > 0) say(`${open} registrations are not done yet`);
  }
}
