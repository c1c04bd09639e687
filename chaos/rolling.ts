/**
 * A rolling update: people register while the apis and workers of a cluster are replaced one after another by those of another version.
 * Nothing is killed. Afterwards everything is audited, and each request must have been answered.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit, type Audit } from './audit.ts';
import { look, register, type Told } from './client.ts';
import { buildFormer } from './former.ts';
import { makePlan, TICKETS, withoutOrganizers } from './plan.ts';
import { settle } from './run.ts';
import { tally } from './tally.ts';
import { workflowId } from '../src/registration.ts';
import { ifThere } from '../src/temporal/client.ts';
import { emptyFolder, startWorld, type World } from '../stage/world.ts';

export type RollingOptions = { seed: number; registrations: number; seconds: number; from: string };
export type RollingReport = Pick<Audit, 'outcomes'> & {
  violations: Record<string, string[]>;
  /** How many runs the former version, this one, or both have worked on. */
  versions: Record<string, number>;
  answers: Record<string, number>;
  seconds: number;
  folder: string | undefined;
};
type Say = (line: string) => void;

const CLUSTER = { servers: 2, apis: 2 };
const WORKERS = 2;
/** As in deploy/kubernetes/service/api.yaml. A worker gets no connections, and so does not wait. */
const PRE_STOP_MS = 8000;
const SETTINGS = { SHUTDOWN_DELAY_SECONDS: '5' };
const PATIENCE_MS = 60_000;

/** @param options `from`: the commit of the version that is replaced */
export async function runRolling(options: RollingOptions, say: Say): Promise<RollingReport> {
  const plan = withoutOrganizers(makePlan({ ...options, kills: 0 }));
  const { clients } = plan;
  const former = emptyFolder('registration-former');
  say(`Building ${options.from}`);
  await buildFormer(options.from, join(former, 'version'));
  const world = await startWorld({
    ...{ tickets: TICKETS, cluster: CLUSTER, workers: WORKERS, build: join(former, 'version') },
    settings: SETTINGS,
  });
  const startedAt = Date.now();
  let keep = true;
  try {
    say(`${clients.length} people register within ${options.seconds} s`);
    const end = startedAt + options.seconds * 1000;
    const told: Told[] = [];
    const lost: string[] = [];
    const patience = {
      ...{ deadline: end + PATIENCE_MS, watchUntil: end + PATIENCE_MS },
      onLost: (what: string) => lost.push(what),
    };
    const everybody = clients.map(async (client) => {
      await sleep(Math.max(0, startedAt + client.at - Date.now()));
      told.push(...(await register(world, client, patience)));
    });
    await sleep(options.seconds * 200);
    const ends = await Promise.all([
      replaceAll(world, 'api', CLUSTER.apis, PRE_STOP_MS, say),
      replaceAll(world, 'worker', WORKERS, 0, say),
    ]);
    say('All are replaced');
    await Promise.all(everybody);
    await settle(world, plan, [], say);

    const shown = await Promise.all(clients.map(({ id }) => look(world, id)));
    const nothing = {
      rulings: [],
      fixed: [],
      added: [],
      edited: [],
      overheld: new Set<string>(),
      struck: [],
    };
    const result = await audit(world, plan, { ...nothing, told, shown });
    const violations = {
      ...result.violations,
      'request without an answer': lost,
      'answer that is neither of success nor of a documented refusal': told
        .filter(({ status }) => status >= 500 && status !== 503)
        .map(({ method, status }) => `${method} ${status}`),
      'process that did not end by itself': ends.flat().filter((how) => how !== 'exit code 0'),
    };
    keep = Object.values(violations).some((found) => found.length > 0);
    return {
      ...{ violations, outcomes: result.outcomes },
      versions: tally(await versionsOf(world, clients)),
      answers: tally(told.map(({ method, status }) => `${method} ${status}`)),
      seconds: Math.round((Date.now() - startedAt) / 1000),
      folder: keep ? world.folder : undefined,
    };
  } finally {
    await world.stop(keep);
    rmSync(former, { recursive: true, force: true });
  }
}

/** Replaces the processes of one kind, one after another. Returns how each of the former ones ended. */
async function replaceAll(world: World, kind: string, count: number, waitMs: number, say: Say) {
  const ends: string[] = [];
  for (let n = 1; n <= count; n++) {
    const how = await world.replace(`${kind} ${n}`, waitMs);
    say(`${kind} ${n} is replaced; the former one ended with ${how ?? 'nothing'}`);
    ends.push(how ?? 'nothing');
  }
  return ends;
}

/** For each run, the versions that have worked on it, in order. */
async function versionsOf({ client }: World, clients: { id: string }[]): Promise<string[]> {
  const seen: string[] = [];
  const runs = await Promise.all(
    clients.map(async ({ id }) => {
      const history = await ifThere(client.workflow.getHandle(workflowId(id)).fetchHistory());
      const builds = (history?.events ?? []).flatMap(
        ({ workflowTaskCompletedEventAttributes: done }) => done?.workerVersion?.buildId ?? [],
      );
      return {
        id,
        startedAt: Number(history?.events?.[0]?.eventTime?.seconds ?? 0),
        builds: [...new Set(builds)],
      };
    }),
  );
  for (const { builds } of runs.toSorted((a, b) => a.startedAt - b.startedAt))
    seen.push(...builds.filter((build) => !seen.includes(build)));
  // The first run that ever was began with the former version.
  const nameOf = (build: string) => `${seen.indexOf(build) === 0 ? 'former' : 'this'} (${build})`;
  return runs.flatMap(({ builds }) =>
    builds.length > 0 ? [builds.map(nameOf).toSorted().join(' and ')] : [],
  );
}
