import { activityInfo } from '@temporalio/activity';

/** What has waited for longer, for example for a rate limit, may be about something that was corrected meanwhile. */
const LATE_MS = 5000;

/** Whether this is the first try, and soon after it was asked for: then its input still says how things are. */
export function isFresh(): boolean {
  const { attempt, scheduledTimestampMs } = activityInfo();
  return attempt === 1 && Date.now() - scheduledTimestampMs < LATE_MS;
}
