/** What is refused of a form beyond what its schema can say; the same when holding a seat and when paying. */
import { cardNumberPointers, missingInAddress, type Form } from '../../form.ts';
import { Problem } from '../problem.ts';

/**
 * Refuses an address that lacks what its country needs, and texts that hold anything like a card number: that number must
 * get no further than here.
 */
export function refuseFaults(form: Pick<Form, 'attendee' | 'billing'>): void {
  const errors = [
    ...missingInAddress(form.billing).map((pointer) => ({ pointer, detail: 'fault.needed' as const })),
    ...cardNumberPointers(form).map((pointer) => ({ pointer, detail: 'fault.card-number' as const })),
  ];
  if (errors.length) throw new Problem('invalid-fields', { errors });
}

/** The ticket type is not there, or its event is over. */
export const ticketNotOnSale = () =>
  new Problem('invalid-fields', { errors: [{ pointer: '/ticketType', detail: 'fault.not-on-sale' }] });
