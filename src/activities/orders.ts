import { activityInfo } from '@temporalio/activity';
import type { Database } from '../database/connection.ts';
import { saveOrder } from '../database/orders.ts';
import { giveSeatBack, releaseHold } from '../database/seats.ts';
import type { Captured, Order } from '../registration.ts';
import { failure, isImpossible } from './failure.ts';

export function orderActivities({ database }: { database: Database }) {
  return {
    /** Turns the claimed seat into an order. `OrderImpossible` is final: the seat is gone, or it cannot be stored. */
    async saveOrder(order: Order, payment: Captured): Promise<{ attempts: number }> {
      let saved;
      try {
        saved = await saveOrder(database, order, payment);
      } catch (error) {
        if (isImpossible(error)) throw failure({ type: 'OrderImpossible', final: true, issue: 'CONSTRAINT' });
        throw error;
      }
      if (!saved) throw failure({ type: 'OrderImpossible', final: true, issue: 'SEAT_GONE' });
      return { attempts: activityInfo().attempt };
    },

    /** Releases a hold that has run out. Answers the later end (ISO 8601) of one that was renewed, else null. */
    releaseHold: (id: string): Promise<string | null> => releaseHold(database, id),

    /** Gives a held or sold seat back for good; an order stays, in its new status. */
    giveSeatBack: (id: string, status: 'refunded' | 'cancelled'): Promise<void> =>
      giveSeatBack(database, id, status),
  };
}
