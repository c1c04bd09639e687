/** Tests make things fail on purpose, hundreds of times: the SDK's log of it would bury what matters. */
import { DefaultLogger, Runtime } from '@temporalio/worker';

/** Files share a process, and a process has one runtime. */
const quiet: { runtime?: Runtime } = ((globalThis as { quiet?: object }).quiet ??= {});
quiet.runtime ??= Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});
