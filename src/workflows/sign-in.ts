import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { RATE_LIMITED } from '../registration.ts';
import { FOR_A_QUARTER_HOUR } from './options.ts';

const { mailSignInLink } = proxyActivities<Activities>({
  ...FOR_A_QUARTER_HOUR,
  priority: RATE_LIMITED.signIn,
  summary: 'Mail the link to sign in',
});

/**
 * Mails an organizer the link to sign in. The run knows the organizer's id only: the activity reads the address and makes the
 * link. It is started for an address that nobody has as well (null), so that the api does the same for every address.
 */
export async function signIn(organizer: string | null): Promise<void> {
  if (organizer !== null) await mailSignInLink(organizer);
}
