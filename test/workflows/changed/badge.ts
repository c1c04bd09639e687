/**
 * The example of docs/changing-the-workflow.md reserves a name badge for every attendee who has paid, before
 * the order is saved.
 */
import { proxyActivities } from '@temporalio/workflow';

type BadgeActivities = { reserveBadge: (registrationId: string) => Promise<void> };

export const { reserveBadge } = proxyActivities<BadgeActivities>({
  startToCloseTimeout: '15s',
  summary: 'Reserve a name badge',
});
