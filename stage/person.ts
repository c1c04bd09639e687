/** An attendee: the form data, and the texts that would reveal personal data in a log. */
import { reference } from '../src/reference.ts';

const NAME = { firstName: 'Ada', lastName: 'Example' };
const ADDRESS = { addressLine1: 'Street 2', city: 'Hamburg' };
const DOMAIN = '@example.org';

/** The form as the page submits it, with overrides. */
export const aForm = (overrides: Record<string, unknown> = {}) => ({
  event: 'conference',
  ticketType: 'regular',
  attendee: { ...NAME, email: `ada${DOMAIN}` },
  billing: { ...ADDRESS, postalCode: '20457', countryCode: 'DE' },
  newsletter: true,
  ...overrides,
});
export type Form = ReturnType<typeof aForm>;

/** A unique address per id. It does not contain the id, because some ids look like a card number. */
export const emailOf = (id: string) => `${reference(id).toLowerCase()}${DOMAIN}`;

/** The form with an address that is unique to the id. */
export const formOf = (
  id: string,
  { ticketType = 'regular', newsletter = true }: { ticketType?: string; newsletter?: boolean } = {},
) => aForm({ ticketType, newsletter, attendee: { ...NAME, email: emailOf(id) } });

/** A card that is accepted without 3-D Secure. */
export const CARD = { number: '4012888888881881', expiry: '12/34', cvv: '123' };

/** The personal data that a log must not contain. */
export const PERSONAL = [
  ...Object.values(ADDRESS),
  ...Object.values(NAME).map((name) => `"${name}"`),
  Object.values(NAME).join(' '),
  DOMAIN,
];
