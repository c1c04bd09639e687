import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../../sandbox/vendors/server.ts';
import { activityOptions, type Activities } from '../../src/activities/index.ts';
import { loadConfig } from '../../src/config.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { connectVendors, type Vendors } from '../../src/vendors/index.ts';
import { createDatabase } from '../store.ts';
import { testEnvironment } from '../stack.ts';

/** Sets up the real activities with the real SDKs against a sandbox and a database of their own. `replaced` are other clients. */
export async function startActivities(
  settings: Record<string, string> = {},
  replaced: Partial<Vendors> = {},
) {
  const [sandbox, store] = await Promise.all([startSandbox(), createDatabase()]);
  const config = loadConfig({ ...testEnvironment(sandbox.settings, store.url), ...settings });
  const vendors = { ...connectVendors(config), ...replaced };
  const database = connectDatabase(config.databaseUrl);
  const { activities, interceptors } = activityOptions({ config, database, ...vendors });

  /** Runs an activity as a worker does. `info` replaces what the server reports about the attempt. */
  async function run<Name extends keyof Activities>(
    name: Name,
    args: Parameters<Activities[Name]>,
    info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {},
  ): Promise<Awaited<ReturnType<Activities[Name]>>> {
    const environment = new MockActivityEnvironment(
      { ...info },
      { logger: new DefaultLogger('ERROR', () => undefined), interceptors: interceptors.activity },
    );
    const activity = activities[name] as (...given: Parameters<Activities[Name]>) => Promise<unknown>;
    const answer = await environment.run(activity, ...args);
    return answer as Awaited<ReturnType<Activities[Name]>>;
  }

  /** Returns the failure of an activity, and throws when the activity does not fail. */
  async function failing<Name extends keyof Activities>(
    name: Name,
    args: Parameters<Activities[Name]>,
    info: Parameters<typeof run>[2] = {},
  ): Promise<ApplicationFailure> {
    const failure = await run(name, args, info).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(failure instanceof ApplicationFailure))
      throw new Error(`${name} did not fail with an ApplicationFailure`);
    return failure;
  }

  return {
    config,
    sandbox,
    store,
    ...vendors,
    run,
    failing,
    stop: () => Promise.all([sandbox.close(), database.destroy().then(store.drop)]),
  };
}
