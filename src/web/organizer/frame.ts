/** What all pages of organizers share: the layout, the navigation, and who is signed in. */
import type { MessageKey } from '../../messages/index.ts';
import type { Role } from '../../organizer.ts';
import { asset } from '../assets.ts';
import { createRenderer, type Frame } from '../render.ts';

/**
 * Who is signed in: `csrf` goes into each form, `opens` says whether the role may open a page, and `acts` whether it may send the
 * form of a route.
 */
export type Desk = {
  name: string;
  role: Role;
  csrf: string;
  opens: (path: string) => boolean;
  acts: (route: string) => boolean;
};
/** Where answers are read: who may open it may look for answers, too. */
export const ANSWERS_ROUTE = '/organizer/events/:event/answers';
export type OrganizerFrame = Frame & { desk: Desk | null };

/** The pages that the navigation leads to. Each shows the entries that the role may open. */
const NAVIGATION = [
  { path: '/organizer', label: 'organizer.nav.start', text: null },
  {
    path: '/organizer/registrations',
    label: 'organizer.nav.registrations',
    text: 'organizer.start.registrations',
  },
  { path: '/organizer/events', label: 'organizer.nav.events', text: 'organizer.start.events' },
  {
    path: '/organizer/registrations/new',
    label: 'organizer.nav.add',
    text: 'organizer.start.add',
  },
  { path: '/organizer/import', label: 'organizer.nav.import', text: 'organizer.start.import' },
  { path: '/organizer/export', label: 'organizer.nav.export', text: 'organizer.start.export' },
  { path: '/organizer/people', label: 'organizer.nav.people', text: 'organizer.start.people' },
] as const satisfies { path: string; label: MessageKey; text: MessageKey | null }[];

const renderView = createRenderer(new URL('views', import.meta.url));

/** Renders a view of this folder. */
export function render(view: string, frame: OrganizerFrame, data: object): string {
  const { desk, path, speech } = frame;
  const here = path.split('?')[0];
  const entries = NAVIGATION.filter((entry) => desk?.opens(entry.path)).map(
    ({ path: href, label, text }) => ({
      ...{ href, label: speech.t(label), text: text && speech.t(text), current: href === here },
    }),
  );
  const who = desk && { ...desk, role: speech.t(`organizer.role.${desk.role}`) };
  return renderView(view, frame, [], { ...data, who, entries, ownStyle: asset('organizer.css') });
}
