/**
 * The second release follows when no run without a badge is open. It removes the old branch and still writes
 * the marker.
 */
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
