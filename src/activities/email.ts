import { activityInfo } from '@temporalio/activity';
import type { PaidBy, Source } from '../addition.ts';
import type { ChangeMade } from '../change.ts';
import type { Config } from '../config.ts';
import { answerWithin, type Database } from '../database/connection.ts';
import { findEventState } from '../database/events.ts';
import { note } from '../database/history.ts';
import { clearCorrected } from '../database/mail-events.ts';
import { mayMail } from '../database/mails.ts';
import { findTicket } from '../database/orders.ts';
import { listQuestions } from '../database/questions.ts';
import { findOutcome } from '../database/registrations.ts';
import type { Money } from '../money.ts';
import { linksOf } from '../reference.ts';
import { confirmationUrl, fullName, isTrusted, type NoticeKind, type Order } from '../registration.ts';
import type { SendGrid } from '../vendors/sendgrid.ts';
import { confirmAddressMail, confirmationMail, noticeMail, type Mail } from '../web/emails/emails.ts';
import { failure } from './failure.ts';
import { entered } from './outcome.ts';
import { isFresh } from './fresh.ts';

/** `source` and `paidBy` are left out by the run of the form, where both follow from the amount. */
type Confirmation = Pick<
  Order,
  'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'answers' | 'amount' | 'language'
> & {
  paidAt: string;
  newsletter: boolean;
  emailConfirmed?: boolean;
  source?: Source;
  paidBy?: PaidBy;
  changed?: ChangeMade | undefined;
};
type Notice = Pick<Order, 'id' | 'event' | 'attendee' | 'language'> & {
  kind: NoticeKind;
  refunded: Money | null;
  /** Until when a seat is still held (ISO 8601); runs of earlier versions leave it out. */
  heldUntil?: string | null;
};

/** `refunded`: what went back with it; null for nothing. */
type OrganizersNotice = { id: string; kind: 'refund-made' | 'cancelled'; refunded: Money | null };

type AddressRequest = Pick<Order, 'id' | 'event' | 'language'> & { email: string; token: string };

type Dependencies = { config: Config; database: Database; sendGrid: SendGrid };
/** How long a mail waits when its recipient has got enough within the last day. */
const ENOUGH_FOR_NOW_MS = 3_600_000;
const DATABASE_TIMEOUT_MS = 2000;

export function emailActivities({ config, database, sendGrid }: Dependencies) {
  const { publicUrl, limits } = config;

  /**
   * Nobody can have many mails sent to a stranger for free. A mail counts once, however often it is tried. `RecipientLimit` is
   * not final: the mail goes out later.
   */
  async function refuseFlood(email: string): Promise<void> {
    if (limits.mailsPerRecipient === undefined) return;
    const { workflowExecution, activityId } = activityInfo();
    const mail = `${workflowExecution?.runId ?? ''}:${activityId}`;
    // While the database is away the mail is sent: its limit is no reason to wait.
    const counted = mayMail(database, email, mail, limits.mailsPerRecipient);
    const may = await answerWithin(DATABASE_TIMEOUT_MS, counted, true);
    if (!may) throw failure({ type: 'RecipientLimit', retryAfterMs: ENOUGH_FOR_NOW_MS });
  }

  /** At least once: SendGrid has no idempotency (docs/decisions/no-heartbeat.md). */
  async function send(id: string, to: { email: string; name?: string }, category: string, mail: Mail) {
    await sendGrid.send({ registrationId: id, to, category, ...mail });
    return { attempts: activityInfo().attempt };
  }
  const named = (attendee: Order['attendee']) => ({ email: attendee.email, name: fullName(attendee) });

  async function confirm(order: Confirmation) {
    const { id, attendee } = order;
    const trusted = isTrusted(order);
    if (!trusted) await refuseFlood(attendee.email);
    // While the database is away, the mail names the questions by their ids.
    const asked = order.answers && trusted ? listQuestions(database, order.event.id) : Promise.resolve([]);
    const questions = await answerWithin(DATABASE_TIMEOUT_MS, asked, []);
    const mail = confirmationMail({ ...order, questions, ...linksOf(publicUrl, id), site: config });
    return send(id, trusted ? named(attendee) : { email: attendee.email }, 'confirmation', mail);
  }

  async function confirmSaved(id: string, changed?: ChangeMade) {
    const ticket = await findTicket(database, id);
    if (ticket?.status !== 'confirmed') throw failure({ type: 'NoTicket', final: true });
    return confirm({ ...ticket, changed });
  }

  /** Whether a registration has ended; not while the database is away, which no confirmation waits for. */
  async function isOver(id: string): Promise<boolean> {
    const outcome = await answerWithin(DATABASE_TIMEOUT_MS, findOutcome(database, id), undefined);
    return outcome?.found === 'end' || (outcome?.found === 'order' && outcome.status !== 'confirmed');
  }

  return {
    /**
     * Sends the proof of registration, which is also the receipt. A further try, and a late one, sends it as the order is by then:
     * an organizer may have corrected the address. `NoTicket` is final: the registration is over, and its run does not know it yet.
     */
    sendConfirmation: (order: Confirmation): Promise<{ attempts: number }> =>
      entered(database, order.id, 'email', async () => {
        if (isFresh()) return confirm(order);
        if (await isOver(order.id)) throw failure({ type: 'NoTicket', final: true });
        const saved = await answerWithin(DATABASE_TIMEOUT_MS, findTicket(database, order.id), undefined);
        return confirm(saved ?? order);
      }),

    /**
     * Sends the confirmation of a saved order again, to the address in the order and to no other. `NoTicket` is final: there
     * is no confirmed order (any more).
     */
    resendConfirmation: (id: string): Promise<{ attempts: number }> =>
      entered(database, id, 'email', () => confirmSaved(id)),

    /** Sends the first confirmation of what an organizer has added, as {@link resendConfirmation}. */
    confirmAdded: (id: string): Promise<{ attempts: number }> =>
      entered(database, id, 'email', () => confirmSaved(id)),

    /** Sends the confirmation again, as {@link resendConfirmation}, says what was changed, and enters it in the history. */
    async sendAgain(id: string, changed?: ChangeMade): Promise<{ attempts: number }> {
      const sent = await entered(database, id, 'email', () => confirmSaved(id, changed));
      // While the database is away, the mail is not sent once more.
      const noted = note(database, { registration: id, kind: 'email-sent' }).then(() =>
        clearCorrected(database, id),
      );
      await answerWithin(DATABASE_TIMEOUT_MS, noted, undefined);
      return sent;
    },

    /** Mails the link that confirms an e-mail address. */
    async askToConfirm({ id, email, token, ...request }: AddressRequest): Promise<{ attempts: number }> {
      await refuseFlood(email);
      const confirmUrl = confirmationUrl(publicUrl, id, token);
      return send(
        id,
        { email },
        'confirm-address',
        confirmAddressMail({ ...request, confirmUrl, site: config }),
      );
    },

    /**
     * Tells an attendee that an organizer has refunded or cancelled their registration, at the address in the order. It tells
     * nobody when the person was erased.
     */
    async tellAttendee({ id, kind, refunded }: OrganizersNotice): Promise<{ attempts: number }> {
      const ticket = await findTicket(database, id);
      if (!ticket) return { attempts: activityInfo().attempt };
      // What went back before is told with a cancellation that moves no money.
      const before = kind === 'cancelled' && ticket.refunded.minor > 0 ? ticket.refunded : null;
      const back = refunded ?? before;
      const kept = ticket.amount.minor > 0 && back === null;
      const elsewhere = ticket.paidBy === 'elsewhere';
      const notice = { ...ticket, ...linksOf(publicUrl, id), kind, refunded: back, kept, elsewhere };
      const mail = noticeMail({ ...notice, site: config });
      return send(id, named(ticket.attendee), kind, mail);
    },

    /** Tells an attendee what became of a registration that is not, or no longer, confirmed. */
    async sendNotice(notice: Notice): Promise<{ attempts: number }> {
      const { id, attendee, kind, refunded } = notice;
      if (refunded === null) await refuseFlood(attendee.email);
      const found = findEventState(database, notice.event.id);
      const known = kind === 'cancelled' && (await answerWithin(DATABASE_TIMEOUT_MS, found, undefined));
      const eventCancelled = known && known.state === 'cancelled';
      return send(
        id,
        named(attendee),
        kind,
        noticeMail({
          ...notice,
          ...linksOf(publicUrl, id),
          ...(eventCancelled && { eventCancelled }),
          site: config,
        }),
      );
    },
  };
}
