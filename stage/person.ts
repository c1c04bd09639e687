/** Somebody who registers: what they fill in, and how it would show that a log names them. */
import { reference } from '../src/reference.ts';

const NAME = { firstName: 'Ada', lastName: 'Example' };
const ADDRESS = { addressLine1: 'Street 2', city: 'Hamburg' };
const DOMAIN = '@example.org';

/** A form as the page sends it; override what matters. */
export const aForm = (overrides: Record<string, unknown> = {}) => ({
  event: 'conference',
  ticketType: 'regular',
  attendee: { ...NAME, email: `ada${DOMAIN}` },
  billing: { ...ADDRESS, postalCode: '20457', countryCode: 'DE' },
  newsletter: true,
  ...overrides,
});
export type Form = ReturnType<typeof aForm>;

/** An address of one's own. It is not the id itself, because the digits of some ids look like a card number. */
export const emailOf = (id: string) => `${reference(id).toLowerCase()}${DOMAIN}`;

/** The form of somebody with an address of their own. */
export const formOf = (
  id: string,
  { ticketType = 'regular', newsletter = true }: { ticketType?: string; newsletter?: boolean } = {},
) => aForm({ ticketType, newsletter, attendee: { ...NAME, email: emailOf(id) } });

/** A card that PayPal accepts, and that no bank asks about. */
export const CARD = { number: '4012888888881881', expiry: '12/34', cvv: '123' };

/** Texts that a log must not contain. */
export const PERSONAL = [
  ...Object.values(ADDRESS),
  ...Object.values(NAME).map((name) => `"${name}"`),
  Object.values(NAME).join(' '),
  DOMAIN,
];
