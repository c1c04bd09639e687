import { activityInfo } from '@temporalio/activity';
import type { ChangeDecision, ChangeRequest } from '../change.ts';
import { applyChange } from '../database/changes.ts';
import { isConstraintViolation, type Database } from '../database/connection.ts';
import { saveOrder } from '../database/orders.ts';
import { giveSeatBack, releaseHold } from '../database/registrations.ts';
import { claimSeat } from '../database/seats/claim.ts';
import type { EndedStatus } from '../refund.ts';
import { UNCONFIRMED, type Captured, type Order } from '../registration.ts';
import { failure } from './failure.ts';

export function orderActivities({ database }: { database: Database }) {
  return {
    /** Turns the claimed seat into an order. `OrderImpossible` is final: the seat is gone, or the order cannot be stored. */
    async saveOrder(order: Order, payment: Captured): Promise<{ attempts: number }> {
      const saved = await saveOrder(database, order, payment).catch((error: unknown) => {
        if (!isConstraintViolation(error)) throw error;
        throw failure({ type: 'OrderImpossible', final: true, word: 'CONSTRAINT' });
      });
      if (saved.status === 'no-seat')
        throw failure({ type: 'OrderImpossible', final: true, word: 'SEAT_GONE' });
      return { attempts: activityInfo().attempt };
    },

    /** Makes a change that an organizer asked for, once, if it is possible. */
    changeOrder: (request: ChangeRequest): Promise<ChangeDecision> => applyChange(database, request),

    /** Keeps the seat while its e-mail address is confirmed: until the run goes on. Says whether there is a seat. */
    claimUnconfirmed: async (id: string): Promise<boolean> =>
      (await claimSeat(database, id, UNCONFIRMED)).status === 'claimed',

    /** Releases a hold that has run out. Answers the later end (ISO 8601) of one that was renewed, else null. */
    releaseHold: (id: string): Promise<string | null> => releaseHold(database, id),

    /** Gives a held or sold seat back for good; an order stays, in its new status. */
    async giveSeatBack(id: string, status: EndedStatus): Promise<{ status: EndedStatus }> {
      await giveSeatBack(database, id, status);
      return { status };
    },
  };
}
