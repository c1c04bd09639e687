/** Tests cause hundreds of failures on purpose, and the SDK's log of them would hide what matters. */
import { DefaultLogger, Runtime } from '@temporalio/worker';

/** Test files share a process, and a process can have only one runtime. */
const quiet: { runtime?: Runtime } = ((globalThis as { quiet?: object }).quiet ??= {});
quiet.runtime ??= Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});
