/** The pages that organizers see, as HTML. They need no scripts. */
import type { MessageKey } from '../../messages/index.ts';
import { FRESH_HOURS, LINK_MINUTES, ROLES, shownName, type Organizer } from '../../organizer.ts';
import { render, type OrganizerFrame } from './frame.ts';
import { exportsData, type ExportsPage } from './exports/page.ts';
import { listData, type ListPage } from './list.ts';

type SignInForm = {
  /** The page to come back to. */
  to: string | undefined;
  /** Whether the last sign-in was too long ago for that page. */
  isStale: boolean;
  /** Whether what was typed is no e-mail address. */
  isFaulty: boolean;
};

/** The form that asks for a link to sign in. */
export function signInPage(frame: OrganizerFrame, form: SignInForm): string {
  const title = frame.speech.t('organizer.sign-in.title');
  return render('sign-in', frame, { ...form, title, hours: FRESH_HOURS });
}

/** Says that a link may be on its way, whether or not anybody has the address. */
export const sentPage = (frame: OrganizerFrame): string =>
  render('sent', frame, { title: frame.speech.t('organizer.sign-in.sent'), minutes: LINK_MINUTES });

/** The page behind the mailed link: a button, whether or not the link can be used. */
export const linkPage = (frame: OrganizerFrame): string =>
  render('link', frame, { title: frame.speech.t('organizer.link.title') });

/** The registrations that a filter finds, a page at a time. */
export const listPage = (frame: OrganizerFrame, page: ListPage): string =>
  render('list', frame, listData(frame.speech, page));

/** The files that can be downloaded, and who has downloaded them. */
export const exportsPage = (frame: OrganizerFrame, page: ExportsPage): string =>
  render('exports', frame, exportsData(frame.speech, page));

/** What was typed into the form that adds somebody, and the message for each faulty field (RFC 6901 pointers). */
export type PeopleForm = { typed?: Record<string, unknown>; faults?: Record<string, MessageKey> };
type PeoplePage = {
  /** The id of whoever looks at the page. */
  me: string;
  people: Organizer[];
  /** What became of the action before. */
  told: { outcome: string; person: Organizer | undefined } | undefined;
  form: PeopleForm;
  /** Makes a new UUID for each form. */
  newAction: () => string;
};

/** Who has access, with the forms to change it. */
export function peoplePage(frame: OrganizerFrame, { me, people, told, form, newAction }: PeoplePage): string {
  const { t } = frame.speech;
  const roles = ROLES.map((role) => ({
    ...{ role, label: t(`organizer.role.${role}`), text: t(`organizer.role.${role}.text`) },
  }));
  const owners = people.filter(({ role }) => role === 'owner').length;
  const { typed = {}, faults = {} } = form;
  const fault = (field: string) => {
    const key = faults[`/${field}`];
    return key && t(key);
  };
  return render('people', frame, {
    title: t('organizer.people.title'),
    told: told && notice(frame, told),
    roles,
    people: people.map((person) => ({
      ...person,
      shown: shownName(person),
      label: t(`organizer.role.${person.role}`),
      isMe: person.id === me,
      isLastOwner: person.role === 'owner' && owners === 1,
      actions: { role: newAction(), remove: newAction() },
    })),
    form: {
      ...{ typed, email: fault('email'), name: fault('name'), role: fault('role') },
      ...{ isFaulty: Object.keys(faults).length > 0, action: newAction() },
      // The form is at the end of the page, so the first faulty field has the focus.
      first: ['email', 'name', 'role'].find(fault),
    },
    address: `${frame.publicUrl}/organizer/sign-in`,
  });
}

/** What became of an action, in a sentence. */
function notice({ speech: { t } }: OrganizerFrame, { outcome, person }: NonNullable<PeoplePage['told']>) {
  if (!person) return t('organizer.people.gone');
  const name = shownName(person);
  if (outcome === 'added') return t('organizer.people.added', { name });
  if (outcome === 'removed') return t('organizer.people.removed', { name });
  return t('organizer.people.changed', { name, role: t(`organizer.role.${person.role}`) });
}

/** A problem as a page. It leads to the start page, or to the sign-in for somebody who needs one. */
export function problemPage(
  frame: OrganizerFrame,
  problem: { title: string; detail: string; status: number },
): string {
  const toStart = frame.desk !== null || problem.status === 404;
  return render('problem', frame, { ...problem, toStart });
}
