/** What needs attention: the lines of the dashboard, and the page of payments that have no order yet. */
import {
  CONDITIONS,
  MOST_OPEN,
  type AttentionCounts,
  type Condition,
  type OpenAttention,
  type OpenRegistration,
} from '../../database/desk/attention.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { shortTime } from '../dates.ts';
import { render, type OrganizerFrame } from './frame.ts';
import { NEEDS } from './list.ts';

/** What to do about it, in a sentence; for others, the page of the registration says it. */
const HINTS: Partial<Record<Condition, MessageKey>> = {
  'payment-stopped': 'organizer.attention.payment-stopped',
  'payment-in-doubt': 'organizer.attention.payment-in-doubt',
  'addition-stopped': 'organizer.attention.addition-stopped',
  'run-stopped': 'organizer.attention.run-stopped',
  'email-not-sent': 'organizer.attention.email-not-sent',
  'newsletter-not-added': 'organizer.attention.newsletter-not-added',
  'refund-refused': 'organizer.attention.refund-refused',
  'refund-waiting': 'organizer.attention.refund-waiting',
};

/** Where the registrations are listed that need attention for one reason. */
export const attentionAddress = (condition: Condition): string =>
  `/organizer/registrations?attention=${condition}`;

/** The lines of the dashboard: what needs attention now. */
export const attentionLines = ({ t }: Speech, { counts }: AttentionCounts) =>
  CONDITIONS.filter((condition) => counts[condition] > 0).map((condition) => {
    const hint = HINTS[condition];
    return {
      condition,
      href: attentionAddress(condition),
      label: t('organizer.attention.line', { what: t(NEEDS[condition]), count: counts[condition] }),
      hint: hint ? t(hint) : null,
    };
  });

/** The payments without an order that need attention for one reason. */
export function openPage(
  frame: OrganizerFrame,
  { condition, registrations }: { condition: OpenAttention; registrations: OpenRegistration[] },
): string {
  const { t, money, locale } = frame.speech;
  return render('open', frame, {
    title: t(NEEDS[condition]),
    hint: t(HINTS[condition] ?? NEEDS[condition]),
    isFull: registrations.length === MOST_OPEN ? t('organizer.open.full', { count: MOST_OPEN }) : null,
    rows: registrations.map(({ id, timeZone, amount, since, ...registration }) => ({
      ...registration,
      href: `/organizer/registrations/${id}`,
      amount: amount.minor > 0 ? money(amount) : t('organizer.list.free'),
      since: shortTime(since, timeZone, locale),
      iso: since.toISOString(),
    })),
  });
}
