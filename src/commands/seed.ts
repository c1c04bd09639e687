/** `npm run seed`: adds the example event where there is no event yet. */
import { loadDatabaseUrl, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { seedExampleEvent } from '../database/events.ts';

const database = connectDatabase(orExit(loadDatabaseUrl));
try {
  const added = await seedExampleEvent(database);
  console.log(added ? 'Added the example event' : 'There is an event already: nothing added');
} finally {
  await database.destroy();
}
