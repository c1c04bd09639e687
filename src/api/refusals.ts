/** What is refused of a form beyond what its schema can say; the same when holding a seat and when paying. */
import { cardNumberPointers, type Form } from '../form.ts';
import { Problem } from './problem.ts';

/** Refuses a form whose texts hold anything like a card number: that number must get no further than here. */
export function refuseCardNumbers(form: Pick<Form, 'attendee' | 'billing'>): void {
  const errors = cardNumberPointers(form).map((pointer) => ({
    pointer,
    detail: 'This looks like a card number: please enter it in the card fields only',
  }));
  if (errors.length) throw new Problem('invalid-fields', { errors });
}

/** The ticket type is not there, or its event is over. */
export const ticketNotOnSale = () =>
  new Problem('invalid-fields', {
    errors: [{ pointer: '/ticketType', detail: 'This ticket is not on sale for this event' }],
  });
