/** A person whose every name and address can be looked for. */
import { aForm } from '../../stage/person.ts';

/** The form of Mary Somerville, of Physical Street 7, with the given e-mail address. */
export const formOfMary = (email: string, more: Record<string, unknown> = {}) =>
  aForm({
    attendee: { firstName: 'Mary', lastName: 'Somerville', email, organization: 'Society of Physics' },
    billing: {
      ...{ addressLine1: 'Physical Street 7', addressLine2: 'Backyard' },
      ...{ city: 'Jedburgh', region: 'Borders', postalCode: 'TD8 6AA', countryCode: 'GB' },
    },
    ...more,
  });

/** Whatever tells about her. */
export const MARY = /mary|somerville|physic|backyard|jedburgh|borders|TD8 6AA/i;
