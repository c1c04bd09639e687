/** The change alone: how it must not be released, and how it is left when the patch has gone. */
import { collectPayment as collect } from '../../../src/workflows/payment.ts';
import { reserveBadge } from './badge.ts';

export async function collectPayment(...args: Parameters<typeof collect>): ReturnType<typeof collect> {
  const collected = await collect(...args);
  if (collected.payment.status === 'captured') await reserveBadge(collected.order.id);
  return collected;
}
