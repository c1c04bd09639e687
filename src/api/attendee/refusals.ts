/** Checks of a form that its schema cannot express. They are the same for holding a seat and for paying. */
import { holdsCardNumber, isBroken, missingInAddress, pointersWhere, type Form } from '../../form.ts';
import { neededAt, Problem } from '../problem.ts';

/**
 * Refuses an address that lacks what its country requires, texts that no vendor can store, and texts that contain anything like
 * a card number, which must not get any further.
 */
export function refuseFaults(form: Pick<Form, 'attendee' | 'billing'>): void {
  const missing = form.billing ? missingInAddress(form.billing) : [];
  const errors = [
    ...missing.map((pointer) => ({ pointer, detail: neededAt(pointer) })),
    ...pointersWhere(form, isBroken).map((pointer) => ({ pointer, detail: 'fault.text' as const })),
    ...pointersWhere(form, holdsCardNumber).map((pointer) => ({
      pointer,
      detail: 'fault.card-number' as const,
    })),
  ];
  if (errors.length) throw new Problem('invalid-fields', { errors });
}

/** The ticket type does not exist, or its event is over. */
export const ticketNotOnSale = () =>
  new Problem('invalid-fields', { errors: [{ pointer: '/ticketType', detail: 'fault.not-on-sale' }] });

/** A ticket that costs something needs a billing address. */
export const addressNeeded = () =>
  new Problem('invalid-fields', { errors: [{ pointer: '/billing', detail: 'fault.needed.billing' }] });

/** The registration is somebody else's, who reserved its seat with another e-mail address. */
export const notOwner = () =>
  new Problem('not-your-registration', {
    errors: [{ pointer: '/attendee/email', detail: 'fault.other-email' }],
  });
