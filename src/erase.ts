/** `npm run erase -- <reference>`: takes one person's data out, and keeps what accounting needs. */
import { loadConfig, orExit } from './config.ts';
import { connectDatabase } from './database/connection.ts';
import { erase, type Erased, type NotErased } from './erasure.ts';
import { connectAudience } from './mailchimp.ts';
import { connectTemporal } from './temporal.ts';

const REFUSED: Record<NotErased, string> = {
  'unknown-reference': 'No registration has this reference',
  'run-open': 'Its run is still open and needs the data: wait for its end, or cancel it, and erase it then',
};
const AUDIENCE: Record<Erased['audience'], string> = {
  deleted: 'deleted for good',
  'not-a-member': 'was not in it',
  'kept-for-another': 'kept, for another registration with this address wants the newsletter',
};

const [reference] = process.argv.slice(2);
if (reference === undefined) {
  console.error('Usage: npm run erase -- <reference>');
  process.exit(1);
}
const config = orExit(loadConfig);
const dependencies = {
  database: connectDatabase(config.databaseUrl),
  temporal: connectTemporal(config),
  audience: connectAudience(config.mailchimp),
};
try {
  const erased = await erase(dependencies, reference.toUpperCase());
  if (typeof erased === 'string') {
    process.exitCode = 1;
    console.log(REFUSED[erased]);
  } else {
    console.log(`Audience: ${AUDIENCE[erased.audience]}`);
    console.log(`Histories in Temporal: ${erased.histories} deleted`);
    console.log(
      `Order: ${erased.order ? 'the person taken out, the payment kept' : 'none with a person in it'}`,
    );
  }
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Error ? error.message : 'It failed');
} finally {
  await dependencies.temporal.connection.close();
  await dependencies.database.destroy();
}
