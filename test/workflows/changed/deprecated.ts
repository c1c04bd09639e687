/** Second release, when no run is open that went on without a badge: the old branch is gone, the marker is still written. */
import { deprecatePatch } from '@temporalio/workflow';
import { collectPayment as collect } from '../../../src/workflows/payment.ts';
import { reserveBadge } from './badge.ts';

export async function collectPayment(...args: Parameters<typeof collect>): ReturnType<typeof collect> {
  const collected = await collect(...args);
  if (collected.payment.status === 'captured') {
    deprecatePatch('name-badge');
    await reserveBadge(collected.order.id);
  }
  return collected;
}
