/** `npm run find -- <reference>`: prints the address of a registration's run in Temporal's Web UI. */
import { loadSettingsToFind, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { findByReference } from '../database/registrations.ts';
import { workflowId } from '../registration.ts';
import { connectTemporal, ifThere } from '../temporal/client.ts';
import { webUi } from '../temporal/web-ui.ts';
import { wordFor } from '../trace.ts';

const [reference] = process.argv.slice(2);
if (reference === undefined) {
  console.error('Usage: npm run find -- <reference>');
  process.exit(1);
}
const config = orExit(loadSettingsToFind);
const database = connectDatabase(config.databaseUrl);
const temporal = connectTemporal({ ...config, encryptionKeys: [] });
try {
  const id = await findByReference(database, reference.trim().toUpperCase());
  const run = id && (await ifThere(temporal.workflow.getHandle(workflowId(id)).describe()));
  if (run) {
    console.log(webUi(config.temporalUiUrl, temporal.options.namespace).run(run.workflowId, run.runId));
  } else {
    process.exitCode = 1;
    console.error(
      id ? `Temporal has no run ${workflowId(id)} any more` : 'No registration has this reference',
    );
  }
} catch (error) {
  process.exitCode = 1;
  console.error(`Cannot ask Temporal or PostgreSQL: ${wordFor(error)}`);
} finally {
  await temporal.connection.close();
  await database.destroy();
}
