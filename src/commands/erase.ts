/** `npm run erase -- <reference>`: takes one person's data out, and keeps what accounting needs. */
import { loadConfig, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { rewriteErased } from '../database/rewrite.ts';
import { erase } from '../registrations/erasure.ts';
import { connectTemporal } from '../temporal/client.ts';
import { wordFor } from '../trace.ts';
import { connectMailchimp } from '../vendors/mailchimp.ts';
import { VendorError } from '../vendors/vendor-error.ts';

const REFUSED = {
  'unknown-reference': 'No registration has this reference',
  'run-open': 'Its run is still open and needs the data. Wait for its end, or cancel it, and erase it then',
};
const AUDIENCE = {
  deleted: 'deleted for good',
  'not-a-member': 'was not in it (any more)',
  'nothing-added': 'this registration has added nothing to it',
  'was-there-before': 'kept, because it was subscribed before this registration, in another way',
  'kept-for-another': 'kept, because another registration with this address wants the newsletter',
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
  mailchimp: connectMailchimp(config.mailchimp),
};
try {
  const erased = await erase(dependencies, reference.toUpperCase());
  if (erased.outcome !== 'erased') {
    process.exitCode = 1;
    console.log(REFUSED[erased.outcome]);
  } else {
    console.log(`Audience: ${AUDIENCE[erased.audience]}`);
    console.log(`Histories in Temporal: ${erased.histories} deleted`);
    console.log(
      `Order: ${erased.order ? 'the person is erased, the payment is kept' : 'there was none with a person in it'}`,
    );
    console.log(
      `Files of the database: ${
        (await rewriteErased(dependencies.database))
          ? 'the old row is gone'
          : 'the old row may still be there. Run "vacuum full orders, registration_events, additions, seat_holds" as the owner of the tables, at a quiet time'
      }`,
    );
  }
} catch (error) {
  process.exitCode = 1;
  // Only errors of ours are safe to quote.
  console.error(
    `Not erased, or not completely: ${error instanceof VendorError ? error.message : wordFor(error)}`,
  );
  console.error('Repeat the command to finish it.');
} finally {
  await dependencies.temporal.connection.close();
  await dependencies.database.destroy();
}
