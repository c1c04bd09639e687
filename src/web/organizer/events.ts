/** The page with all events, and the form that adds one. */
import type { DeskEvent } from '../../database/desk/events.ts';
import type { Fault, Fields } from '../../event-form.ts';
import { eventDates } from '../dates.ts';
import { createControls } from './event-controls.ts';
import { stateOf } from './event.ts';
import { render, type OrganizerFrame } from './frame.ts';

type EventsPage = {
  events: DeskEvent[];
  fields: Fields;
  faults: Fault[];
  /** Makes a new UUID for each form. */
  newAction: () => string;
};

/** All events, with what is sold and held. */
export function eventsPage(frame: OrganizerFrame, { events, fields, faults, newAction }: EventsPage): string {
  const { speech, desk } = frame;
  const { t, locale } = speech;
  const controls = createControls(speech, { fields, faults });
  const [name, ...more] = controls.event(false);
  return render('events', frame, {
    title: t('organizer.events.title'),
    rows: events.map((event) => ({
      ...event,
      href: desk?.opens('/organizer/events/:event') ? `/organizer/events/${event.id}` : null,
      when: eventDates(
        { ...event, startsAt: event.startsAt.toISOString(), endsAt: event.endsAt.toISOString() },
        locale,
      ),
      ...stateOf(frame, event),
    })),
    form: desk?.acts('/organizer/events') && {
      ...{ action: newAction(), faults: controls.faults, controls: [name, controls.id(), ...more] },
    },
  });
}
