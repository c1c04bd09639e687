/** The words of the organizers' side: who they are, what they may be, and how they sign in. Types and pure functions only. */
import Type from 'typebox';
import { Attendee } from './form.ts';
import type { Language } from './registration.ts';

/**
 * `owner`: everything, and who else has access. `organizer`: registrations, refunds, messages, events. `accountant`: reads
 * registrations and money, and exports them. `door`: check-in only.
 */
export const ROLES = ['owner', 'organizer', 'accountant', 'door'] as const;
export type Role = (typeof ROLES)[number];
export const isRole = (value: unknown): value is Role => ROLES.some((role) => role === value);

/** `language` is that of the mails. */
export type Organizer = { id: string; email: string; name: string | null; role: Role; language: Language };

/** What an address and a name may be: the same as for attendees. */
export const OrganizerEmail = Attendee.properties.email;
export const OrganizerName = Attendee.properties.firstName;

/** A reason or a note: lines of text. An erasure takes it out of the history. */
export const Note = Type.String({
  ...{ minLength: 1, maxLength: 1000 },
  pattern: '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$',
});

/** How an organizer is shown: by name, or else by address. */
export const shownName = ({ name, email }: Pick<Organizer, 'name' | 'email'>): string => name ?? email;

/** Mails the link to sign in. Its input is the id of an organizer, or null where nobody has the address. */
export const SIGN_IN_WORKFLOW = 'signIn';
export const signInWorkflowId = (request: string) => `sign-in-${request}`;

/** How long a link can be used, and how long the run that mails it goes on trying. */
export const LINK_MINUTES = 15;
/** A session ends after this time without use, and after this time in all. */
export const SESSION_IDLE_HOURS = 12;
export const SESSION_DAYS = 30;
/** What moves money or changes who has access asks for a sign-in that is at most this old. */
export const FRESH_HOURS = 12;

/** Where an organizer cancels an event, and sees how far that is. */
export const cancelEventPath = (event: string) => `/organizer/events/${event}/cancel`;
export const cancelEventUrl = (publicUrl: string, event: string) => publicUrl + cancelEventPath(event);

/** Where a link to sign in leads. */
export const signInUrl = (publicUrl: string, token: string) => `${publicUrl}/organizer/sign-in/${token}`;
