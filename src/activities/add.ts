import { activityInfo } from '@temporalio/activity';
import type { Added, NextAddition } from '../addition.ts';
import { addOrder, noteRuns } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import { finishImport, nextAdditions } from '../database/imports.ts';

/** What organizers add. Who it is for stays in the database: these take and give ids. */
export const additionActivities = ({ database }: { database: Database }) => ({
  /** Takes a seat and saves the order, once, if that is possible. */
  async addOrder(id: string): Promise<Added> {
    return { ...(await addOrder(database, id)), attempts: activityInfo().attempt };
  },

  /** The next registrations of an import; none when all are decided and have their runs. */
  nextAdditions: (id: string): Promise<NextAddition[]> => nextAdditions(database, id),

  /** Notes that those of these registrations that were added have their runs. */
  noteRuns: (ids: string[]): Promise<void> => noteRuns(database, ids),

  /** Ends an import, and deletes what was kept for it. */
  finishImport: (id: string): Promise<void> => finishImport(database, id),
});
