/** Checks of a form that its schema cannot express. They are the same for holding a seat and for paying. */
import { cardNumberPointers, missingInAddress, type Form } from '../../form.ts';
import { Problem } from '../problem.ts';

/**
 * Refuses an address that lacks what its country requires, and texts that contain anything like a card number, which must
 * not get any further.
 */
export function refuseFaults(form: Pick<Form, 'attendee' | 'billing'>): void {
  const errors = [
    ...missingInAddress(form.billing).map((pointer) => ({ pointer, detail: 'fault.needed' as const })),
    ...cardNumberPointers(form).map((pointer) => ({ pointer, detail: 'fault.card-number' as const })),
  ];
  if (errors.length) throw new Problem('invalid-fields', { errors });
}

/** The ticket type does not exist, or its event is over. */
export const ticketNotOnSale = () =>
  new Problem('invalid-fields', { errors: [{ pointer: '/ticketType', detail: 'fault.not-on-sale' }] });
