/** Reads and validates refund requests as PayPal does. */
import { isObject, readAmount } from './order-request.ts';
import type { Refund } from './records.ts';
import { invalid } from './refusals.ts';

type Asked = Partial<Pick<Refund, 'amount' | 'custom_id' | 'note_to_payer'>>;

/** What PayPal can return in `custom_id` of a refund (Payments v2, refund). */
const CUSTOM_ID = /^[A-Za-z0-9\-_.,]{1,127}$/;

/** Reads a refund request. Without an amount, it is about everything that is left. */
export function readRefund(body: unknown): Asked {
  if (!isObject(body)) return {};
  const { amount, custom_id, note_to_payer } = body;
  if (custom_id !== undefined && !(typeof custom_id === 'string' && CUSTOM_ID.test(custom_id)))
    throw invalid('/custom_id', 'INVALID_PARAMETER_SYNTAX');
  if (note_to_payer !== undefined && !(typeof note_to_payer === 'string' && /^.{1,255}$/.test(note_to_payer)))
    throw invalid('/note_to_payer', 'INVALID_STRING_LENGTH');
  return {
    ...(amount === undefined ? {} : { amount: readAmount(amount, '/amount') }),
    ...(custom_id === undefined ? {} : { custom_id }),
    ...(note_to_payer === undefined ? {} : { note_to_payer }),
  };
}
