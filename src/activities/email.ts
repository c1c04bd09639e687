import { activityInfo } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import { findTicket } from '../database/orders.ts';
import type { Money } from '../money.ts';
import { linksOf } from '../reference.ts';
import type { NoticeKind, Order } from '../registration.ts';
import type { SendGrid } from '../vendors/sendgrid.ts';
import { confirmationMail, noticeMail, type Mail } from '../web/emails/emails.ts';
import { failure } from './failure.ts';

type Confirmation = Pick<
  Order,
  'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'amount' | 'language'
> & { paidAt: string; newsletter: boolean };
type Notice = Pick<Order, 'id' | 'event' | 'attendee' | 'language'> & {
  kind: NoticeKind;
  refunded: Money | null;
  /** Until when a seat is still held (ISO 8601); runs of earlier versions leave it out. */
  heldUntil?: string | null;
};

type Dependencies = { config: Config; database: Database; sendGrid: SendGrid };

export function emailActivities({ config, database, sendGrid }: Dependencies) {
  /** At least once: SendGrid has no idempotency (docs/decisions/no-heartbeat.md). */
  async function send({ id, attendee }: Pick<Order, 'id' | 'attendee'>, category: string, mail: Mail) {
    const to = { email: attendee.email, name: `${attendee.firstName} ${attendee.lastName}` };
    await sendGrid.send({ registrationId: id, to, category, ...mail });
    return { attempts: activityInfo().attempt };
  }

  function confirm(order: Confirmation) {
    const links = linksOf(config.publicUrl, order.id);
    const mail = confirmationMail({ ...order, ...links, site: config });
    return send(order, 'confirmation', mail);
  }

  return {
    /** Sends the proof of registration, which is also the receipt. */
    sendConfirmation: (order: Confirmation): Promise<{ attempts: number }> => confirm(order),

    /**
     * Sends the confirmation of a saved order again, to the address in the order and to no other. `NoTicket` is final: there
     * is no confirmed order (any more).
     */
    async resendConfirmation(id: string): Promise<{ attempts: number }> {
      const ticket = await findTicket(database, id);
      if (ticket?.status !== 'confirmed') throw failure({ type: 'NoTicket', final: true });
      return confirm(ticket);
    },

    /** Tells an attendee what became of a registration that is not, or no longer, confirmed. */
    sendNotice: (notice: Notice): Promise<{ attempts: number }> =>
      send(
        notice,
        notice.kind,
        noticeMail({ ...notice, ...linksOf(config.publicUrl, notice.id), site: config }),
      ),
  };
}
