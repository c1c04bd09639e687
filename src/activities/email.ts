import { activityInfo } from '@temporalio/activity';
import sgClient from '@sendgrid/client';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import { findTicket } from '../database/orders.ts';
import { linksOf } from '../reference.ts';
import type { Money, NoticeKind, Order } from '../registration.ts';
import { confirmationMail, noticeMail, type Mail } from '../web/emails.ts';
import { failure, sendGridFailure } from './failure.ts';

/** The whole exchange; the activity has 15 s. */
const TIMEOUT_MS = 10_000;

/** The client, whose published types do not know of all that it hands on with each request. */
type SendGrid = Omit<typeof sgClient, 'setDefaultRequest'> & {
  setDefaultRequest: (defaults: { timeout: number; baseUrl?: string }) => void;
};
// The package exports one shared instance; its constructor gives our own.
const Client = (sgClient as object).constructor as new () => SendGrid;

function connect({ apiKey, baseUrl }: Config['sendgrid']): SendGrid {
  const client = new Client();
  client.setApiKey(apiKey); // first: it resets the base URL
  client.setDefaultRequest({ timeout: TIMEOUT_MS, ...(baseUrl && { baseUrl: `${baseUrl}/` }) });
  return client;
}

type Confirmation = Pick<
  Order,
  'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'amount' | 'language'
> & { paidAt: string; newsletter: boolean };
type Notice = Pick<Order, 'id' | 'event' | 'attendee' | 'language'> & {
  kind: NoticeKind;
  refunded: Money | null;
};
type Envelope = { id: string; attendee: Order['attendee']; category: string };

export function emailActivities({ config, database }: { config: Config; database: Database }) {
  const sendGrid = connect(config.sendgrid);

  /**
   * SendGrid cannot tell a repeated request from a new one. That a mail was sent is noted by the end of the activity, which is
   * told as soon as it is accepted: a heartbeat before would only come first, for the SDK has the end wait until that was
   * answered, and whoever dies until then sends twice either way.
   */
  async function send({ id, attendee, category }: Envelope, mail: Mail) {
    const off = { enable: false };
    const body = {
      personalizations: [
        { to: [{ email: attendee.email, name: `${attendee.firstName} ${attendee.lastName}` }] },
      ],
      from: config.sendgrid.from,
      subject: mail.subject,
      content: [
        { type: 'text/plain', value: mail.text },
        { type: 'text/html', value: mail.html },
      ],
      headers: mail.headers,
      attachments: mail.attachments?.map(({ content, contentId, ...file }) => ({
        ...file,
        content: content.toString('base64'),
        ...(contentId === undefined
          ? { disposition: 'attachment' }
          : { disposition: 'inline', content_id: contentId }),
      })),
      categories: [category],
      custom_args: { registrationId: id },
      // The links lead to a private page: no redirect through a tracker may hold them.
      tracking_settings: { click_tracking: off, open_tracking: off },
    };
    try {
      await sendGrid.request({ method: 'POST', url: '/v3/mail/send', body });
    } catch (error) {
      throw sendGridFailure(error);
    }
    return { attempts: activityInfo().attempt };
  }

  function confirm(order: Confirmation) {
    const { email } = config.sendgrid.from;
    const mail = confirmationMail({ ...order, ...linksOf(config.publicUrl, order.id), sender: email });
    return send({ ...order, category: 'confirmation' }, mail);
  }

  return {
    /** Sends the proof of registration, which is the receipt too. At least once: SendGrid has no idempotency. */
    sendConfirmation: (order: Confirmation): Promise<{ attempts: number }> => confirm(order),

    /**
     * Sends the confirmation of a saved order once more, to the address in the order and to no other. `NoTicket` is
     * final: there is no confirmed order (any more).
     */
    async resendConfirmation(id: string): Promise<{ attempts: number }> {
      const ticket = await findTicket(database, id);
      if (ticket?.status !== 'confirmed') throw failure({ type: 'NoTicket', final: true });
      return confirm(ticket);
    },

    /** Tells an attendee what became of a registration that is none (any more). At least once. */
    sendNotice: (notice: Notice): Promise<{ attempts: number }> =>
      send(
        { ...notice, category: notice.kind },
        noticeMail({ ...notice, ...linksOf(config.publicUrl, notice.id) }),
      ),
  };
}
