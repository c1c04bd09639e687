/**
 * One chaos run: clients register, organizers refund, cancel, fix, add, import and edit, and vendors send webhooks, while parts are
 * killed and vendors fail. Then everything is audited.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { workflowId } from '../src/registration.ts';
import { add, openAdditions, type Added } from './additions.ts';
import { actionRuns, audit, type Audit } from './audit.ts';
import { look, register, type Told } from './client.ts';
import { openDesk, openEditor } from './desk.ts';
import { edit, type EditRuling } from './edits.ts';
import { fix, type FixRuling } from './fixes.ts';
import type { Strike } from './mails.ts';
import { importFile } from './imports.ts';
import { organize, type Ruling } from './organizer.ts';
import { makePlan, TICKETS, type Kill, type Options, type Plan } from './plan.ts';
import { tally } from './tally.ts';
import { startWorld, type World } from '../stage/world.ts';

export type Report = Audit & {
  plan: Options;
  kills: Record<string, number>;
  faults: Record<string, number>;
  answers: Record<string, number>;
  rulings: Record<string, number>;
  fixes: Record<string, number>;
  /** How many people organizers have added by hand and with files. */
  added: number;
  edits: Record<string, number>;
  webhooks: Record<string, number>;
  seconds: number;
  /** The folder of data and logs, if there are violations. */
  folder: string | undefined;
};
type Say = (line: string) => void;
/** Any one of each may be killed. */
const CLUSTER = { servers: 2, apis: 2 };

/** How long clients keep retrying after the planned duration. */
const PATIENCE_MS = 90_000;
/** How long clients that only watch continue after the planned duration. The audit checks all of them. */
const WATCH_ON_MS = 5000;
const SETTLE_WITHIN_MS = 240_000;
/** How long vendors wait before they send a webhook again. */
const WEBHOOK_AGAIN_MS = 3000;

/** @param broken protections to disable, comma-separated (see break.ts) */
export async function runChaos(
  options: Options & { cluster?: boolean; pooler?: boolean },
  say: Say,
  broken = '',
): Promise<Report> {
  const plan = makePlan(options);
  const world = await startWorld({
    tickets: TICKETS,
    ...(options.cluster && { cluster: CLUSTER }),
    ...(options.pooler && { pooler: true }),
    ...(broken && {
      preload: fileURLToPath(new URL('break.ts', import.meta.url)),
      settings: { CHAOS_BREAK: broken },
    }),
  });
  const startedAt = Date.now();
  let keep = true;
  try {
    const told: Told[] = [];
    const rulings: Ruling[] = [];
    const fixed: FixRuling[] = [];
    const added: Added[] = [];
    const edited: EditRuling[] = [];
    const [desk, editor] = [await openDesk(world), await openEditor(world)];
    world.sandbox.sendWebhooksTo(world.url, WEBHOOK_AGAIN_MS);
    const overheld = new Set<string>();
    const watching = watchSeats(world, overheld);
    say(`${plan.registrations} people register within ${plan.seconds} s`);
    const end = startedAt + plan.seconds * 1000;
    const patience = { deadline: end + PATIENCE_MS, watchUntil: end + WATCH_ON_MS };
    const trouble = Promise.all([
      killParts(world, plan.kills, startedAt),
      takeWorkersAway(world, plan, startedAt),
      injectFaults(world, plan, startedAt),
      becomePoor(world, plan, startedAt + plan.poverty.at),
    ]);
    const everybody = plan.clients.map(async (client) => {
      await until(startedAt + client.at);
      told.push(...(await register(world, client, patience)));
    });
    const organizers = [
      ...plan.acts
        .filter(({ moment }) => moment !== 'settled')
        .map(async (act) => {
          await until(startedAt + act.at);
          rulings.push(...(await organize(world, act, patience)));
        }),
      ...plan.fixes
        .filter(({ moment }) => moment !== 'settled')
        .map(async (planned) => {
          await until(startedAt + planned.at);
          fixed.push(...(await fix(world, desk, planned, patience)));
        }),
      ...plan.additions.map(async (planned) => {
        await until(startedAt + planned.at);
        added.push(await add(desk, planned, patience));
      }),
      ...plan.imports.map(async (planned) => {
        await until(startedAt + planned.at);
        added.push(...(await importFile(world, desk, planned, patience)));
      }),
      (async () => {
        for (const planned of plan.edits) {
          await until(startedAt + planned.at);
          edited.push(await edit(world, editor, planned, patience));
        }
      })(),
    ];
    const [killed, gone, failed] = await trouble;
    world.sandbox.faults.clear();
    await world.reviveAll();
    say('All parts and vendors are up again');
    await Promise.all([...everybody, ...organizers]);
    await settle(world, plan, added, say);

    say('Organizers act on what is settled, and vendors send each webhook again');
    for (const { id } of world.sandbox.ledger().deliveries) world.sandbox.sendAgain(id);
    const lateAt = Date.now();
    const late = { deadline: lateAt + PATIENCE_MS, watchUntil: lateAt };
    const lateTrouble = Promise.all([
      killParts(world, plan.lateKills, lateAt),
      becomePoor(world, plan, lateAt),
    ]);
    const lateActs = [
      ...plan.acts
        .filter(({ moment }) => moment === 'settled')
        .map(async (act) => {
          rulings.push(...(await organize(world, act, late)));
        }),
      ...plan.fixes
        .filter(({ moment }) => moment === 'settled')
        .map(async (planned) => {
          fixed.push(...(await fix(world, desk, planned, late)));
        }),
    ];
    const [killedLate] = await lateTrouble;
    await world.reviveAll();
    await Promise.all(lateActs);
    await settle(world, plan, added, say);
    watching.abort();
    const dead = [...killed, ...gone, ...killedLate];
    const shown = await Promise.all(plan.clients.map(({ id }) => look(world, id)));
    const result = await audit(world, plan, {
      ...{ told, shown, rulings, fixed, added, edited, overheld },
      struck: [...dead, ...failed],
    });
    keep = Object.values(result.violations).some((ids) => ids.length > 0) && !broken;
    return {
      ...result,
      plan: options,
      kills: tally(dead.map(({ what }) => what)),
      faults: tally(failed.map(({ what }) => what)),
      answers: tally(told.map(({ method, status }) => `${method} ${status}`)),
      rulings: tally(rulings.map(({ again, decision }) => `${again ? 'again: ' : ''}${decision.status}`)),
      added: added.length,
      edits: tally(edited.flat().map(({ status }) => status)),
      webhooks: tally(world.sandbox.ledger().deliveries.map(({ kind }) => kind)),
      fixes: tally(fixed.map(({ kind, decision }) => `${kind}: ${decision.status}`)),
      seconds: Math.round((Date.now() - startedAt) / 1000),
      folder: keep ? world.folder : undefined,
    };
  } finally {
    await world.stop(keep);
  }
}

const until = (time: number): Promise<unknown> => sleep(Math.max(0, time - Date.now()));

const asStrikes = (names: string[]): Strike[] => {
  const at = Date.now();
  return names.map((what) => ({ what, from: at, to: at }));
};

/** Kills parts as planned and restarts them. Returns what was killed, and when. */
async function killParts(world: World, kills: Kill[], startedAt: number): Promise<Strike[]> {
  const single = kills.map(async ({ part, at, downMs }) => {
    await until(startedAt + at);
    const names = await world.kill(part);
    const killed = asStrikes(names);
    await sleep(downMs);
    await world.revive(names);
    return killed;
  });
  return (await Promise.all(single)).flat();
}

/** Kills all workers, and Temporal before they are back. Returns what was killed, and when. */
async function takeWorkersAway(world: World, { blackout }: Plan, startedAt: number): Promise<Strike[]> {
  await until(startedAt + blackout.at);
  const workers = await world.kill('worker', 'all');
  const killed = asStrikes(workers);
  await sleep(blackout.lastsMs);
  const server = await world.kill('Temporal');
  killed.push(...asStrikes(server));
  await world.revive([...server, ...workers]);
  return killed;
}

/** Leaves the PayPal account with too little money for all refunds, for a while. */
async function becomePoor(
  { sandbox }: World,
  { poverty: { funds, lastsMs } }: Plan,
  at: number,
): Promise<void> {
  await until(at);
  sandbox.setAccount({ funds });
  await sleep(lastsMs);
  sandbox.setAccount({ funds: null });
}

/** Makes the vendors fail as planned. Returns each fault, and when it occurred. */
async function injectFaults(world: World, { troubles }: Plan, startedAt: number): Promise<Strike[]> {
  return Promise.all(
    troubles.map(async ({ provider, fault, at, lastsMs }) => {
      await until(startedAt + at);
      const from = Date.now();
      world.sandbox.faults.set(provider, fault);
      await sleep(lastsMs);
      world.sandbox.faults.set(provider, { mode: 'up' });
      const detail = fault.status ?? fault.only ?? fault.ms ?? '';
      return { what: `${provider} ${fault.mode} ${detail}`.trimEnd(), from, to: Date.now() };
    }),
  );
}

/** Checks the seats continuously, because seats that were oversold may be released before the end. */
function watchSeats({ database }: World, overheld: Set<string>): AbortController {
  const over = new AbortController();
  const look = async () => {
    while (!over.signal.aborted) {
      const rows = await database
        .raw<{ rows: { id: string }[] }>(
          `select ticket_type_id as id from ticket_availability where free < 0 union
           select t.id from ticket_types t where t.capacity < (
             select count(*) from orders o where o.ticket_type_id = t.id and o.status = 'confirmed')`,
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

/** Waits until every run has ended. Cancels those that wait for another card, as an organizer would. */
export async function settle(world: World, plan: Plan, added: Added[], say: Say): Promise<void> {
  const { client } = world;
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  const cancelled = new Set<string>();
  for (let open = 1, before = 0; open > 0 && Date.now() < deadline; before = open) {
    await sleep(500);
    const acting = await actionRuns(world, plan).then(
      ({ refunds, changes }) => [...refunds, ...changes],
      () => [{ status: 'RUNNING' }],
    );
    open = acting.filter(({ status }) => status === 'RUNNING').length;
    open += await openAdditions(world, added).catch(() => 1);
    open += world.sandbox.ledger().deliveries.filter(({ state }) => state === 'waiting').length;
    for (const { id } of plan.clients) {
      const handle = client.workflow.getHandle(workflowId(id));
      const run = await handle.describe().catch(() => undefined);
      if (run?.status.name !== 'RUNNING') continue;
      open++;
      const waits = !run.raw.pendingActivities?.length && !run.raw.pendingWorkflowTask;
      if (!waits || cancelled.has(id)) continue;
      cancelled.add(id);
      await handle.cancel();
    }
    if (open !== before && open > 0) say(`${open} runs are still open`);
  }
}
