import { activityInfo } from '@temporalio/activity';
import type { NextCancellations } from '../cancel-event.ts';
import type { Config } from '../config.ts';
import { nextCancellations } from '../database/cancelled-events/next.ts';
import type { Database } from '../database/connection.ts';
import { findEventState } from '../database/events.ts';
import { findOrganizer, listOrganizers } from '../database/organizers.ts';
import { cancelEventUrl } from '../organizer.ts';
import type { SendGrid } from '../vendors/sendgrid.ts';
import { pauseMail } from '../web/emails/emails.ts';
import { failure } from './failure.ts';

type Dependencies = { config: Config; database: Database; sendGrid: SendGrid };

export const cancelEventActivities = ({ config, database, sendGrid }: Dependencies) => ({
  /**
   * Looks what there is to do for a cancelled event, and takes what is to be begun now. A further attempt may take others: what was
   * taken and not begun comes again after a while. `NotCancelled`: there is no such cancellation.
   */
  async nextCancellations(event: string): Promise<NextCancellations> {
    const next = await nextCancellations(database, event);
    if (!next) throw failure({ type: 'NotCancelled', final: true });
    return next;
  },

  /** The ids of all owners. */
  async findOwners(): Promise<string[]> {
    const people = await listOrganizers(database);
    return people.filter(({ role }) => role === 'owner').map(({ id }) => id);
  },

  /** Mails an owner that the refunds of an event have paused; nobody who was removed meanwhile. */
  async mailPause({ event, organizer }: { event: string; organizer: string }): Promise<{ attempts: number }> {
    const [person, known] = await Promise.all([
      findOrganizer(database, organizer),
      findEventState(database, event),
    ]);
    if (person && known)
      await sendGrid.send({
        to: { email: person.email, ...(person.name !== null && { name: person.name }) },
        category: 'refunds-paused',
        ...pauseMail({
          ...{ language: person.language, event: known.name, link: cancelEventUrl(config.publicUrl, event) },
          ...{ publicUrl: config.publicUrl, site: config },
        }),
      });
    return { attempts: activityInfo().attempt };
  },
});
