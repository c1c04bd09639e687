/** In the first release, runs that have passed this point continue without a badge. All others get one. */
import { patched } from '@temporalio/workflow';
import { collectPayment as collect } from '../../../src/workflows/payment.ts';
import { reserveBadge } from './badge.ts';

export async function collectPayment(...args: Parameters<typeof collect>): ReturnType<typeof collect> {
  const collected = await collect(...args);
  if (collected.payment.status === 'captured' && patched('name-badge'))
    await reserveBadge(collected.order.id);
  return collected;
}
