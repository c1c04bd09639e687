import { activityInfo, heartbeat } from '@temporalio/activity';
import sgClient from '@sendgrid/client';
import sgMail from '@sendgrid/mail';
import type { Config } from '../config.ts';
import { reference } from '../reference.ts';
import { statusUrl, type Money, type NoticeKind, type Order } from '../registration.ts';
import { calendarFile, confirmationMail, noticeMail, type Mail } from '../web/emails.ts';
import { sendGridFailure } from './failure.ts';

/** The whole exchange; the activity has 30 s. */
const TIMEOUT_MS = 10_000;

// The packages export shared instances; their constructors give our own.
const Client = (sgClient as object).constructor as new () => typeof sgClient;
const MailService = (sgMail as object).constructor as new () => typeof sgMail;

function connect({ apiKey, baseUrl }: Config['sendgrid']): typeof sgMail {
  const client = new Client();
  client.setApiKey(apiKey); // first: it resets the base URL
  if (baseUrl) client.setDefaultRequest('baseUrl', `${baseUrl}/`);
  const mailer = new MailService();
  mailer.setClient(client);
  mailer.setTimeout(TIMEOUT_MS); // after setClient
  return mailer;
}

type Confirmation = Pick<Order, 'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'amount'> & {
  paidAt: string;
};
type Notice = Pick<Order, 'id' | 'event' | 'attendee'> & { kind: NoticeKind; refunded: Money | null };
type Envelope = { id: string; attendee: Order['attendee']; category: string };

export function emailActivities({ config }: { config: Config }) {
  const mailer = connect(config.sendgrid);
  const linksOf = (id: string) => ({ reference: reference(id), statusUrl: statusUrl(config.publicUrl, id) });

  /** SendGrid cannot tell a repeated request from a new one, so a heartbeat notes the send as soon as it is done. */
  async function send(
    { id, attendee, category }: Envelope,
    mail: Mail,
    attachments: { content: string; filename: string; type: string }[] = [],
  ) {
    const { attempt, ...info } = activityInfo();
    if ((info.heartbeatDetails as unknown) === 'sent') return { attempts: attempt };
    const off = { enable: false };
    try {
      await mailer.send({
        to: { email: attendee.email, name: `${attendee.firstName} ${attendee.lastName}` },
        from: config.sendgrid.from,
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        attachments: attachments.map(({ content, ...file }) => ({
          ...file,
          content: Buffer.from(content).toString('base64'),
          disposition: 'attachment',
        })),
        categories: [category],
        customArgs: { registrationId: id },
        // The links lead to a private page: no redirect through a tracker may hold them.
        trackingSettings: { clickTracking: off, openTracking: off },
      });
    } catch (error) {
      throw sendGridFailure(error);
    }
    heartbeat('sent');
    return { attempts: attempt };
  }

  return {
    /** Sends the proof of registration, which is the receipt too. At least once: SendGrid has no idempotency. */
    async sendConfirmation({ paidAt, ...order }: Confirmation): Promise<{ attempts: number }> {
      const { id, attendee, event } = order;
      const links = linksOf(id);
      const mail = confirmationMail({ order, paidAt, ...links });
      const calendar = {
        content: calendarFile({ id, event, ...links }),
        filename: 'event.ics',
        type: 'text/calendar',
      };
      return send({ id, attendee, category: 'confirmation' }, mail, [calendar]);
    },

    /** Tells an attendee what became of a registration that is none (any more). At least once. */
    async sendNotice({ id, attendee, kind, event, refunded }: Notice): Promise<{ attempts: number }> {
      const mail = noticeMail({ kind, event, attendee, refunded, ...linksOf(id) });
      return send({ id, attendee, category: kind }, mail);
    },
  };
}
