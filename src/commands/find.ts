/** `npm run find -- <reference>`: prints the address of a registration's run in Temporal's Web UI. */
import { loadSettingsToFind, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { findByReference } from '../database/registrations.ts';
import { workflowId } from '../registration.ts';
import { connectTemporal, ifThere } from '../temporal/client.ts';
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
    console.log(addressOf(run));
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

function addressOf({ workflowId: name, runId }: { workflowId: string; runId: string }): string {
  const { namespace } = temporal.options;
  const path = ['namespaces', namespace, 'workflows', name, runId, 'history']
    .map(encodeURIComponent)
    .join('/');
  return `${config.temporalUiUrl}/${path}`;
}
