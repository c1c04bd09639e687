/** The change without a patch must not be released first. It is what remains after the patch is removed. */
import { collectPayment as collect } from '../../../src/workflows/payment.ts';
import { reserveBadge } from './badge.ts';

export async function collectPayment(...args: Parameters<typeof collect>): ReturnType<typeof collect> {
  const collected = await collect(...args);
  if (collected.payment.status === 'captured') await reserveBadge(collected.order.id);
  return collected;
}
