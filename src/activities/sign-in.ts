import { activityInfo } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import { findOrganizer } from '../database/organizers.ts';
import { addMailedLink } from '../database/sessions.ts';
import { hash } from '../hash.ts';
import { signInUrl } from '../organizer.ts';
import { newToken } from '../token.ts';
import type { SendGrid } from '../vendors/sendgrid.ts';
import { signInMail } from '../web/emails/emails.ts';

type Dependencies = { config: Config; database: Database; sendGrid: SendGrid };

export const signInActivities = ({ config, database, sendGrid }: Dependencies) => ({
  /**
   * Makes a link to sign in, stores its hash and mails it to the organizer with this id. Another attempt makes another link.
   * Nothing is mailed to somebody who was removed meanwhile, or whose limit is reached.
   */
  async mailSignInLink(organizer: string): Promise<{ attempts: number }> {
    const { attempt, workflowExecution } = activityInfo();
    const person = await findOrganizer(database, organizer);
    const token = newToken();
    const link = { organizer, tokenHash: hash(token), request: workflowExecution?.workflowId ?? '' };
    if (person && (await addMailedLink(database, link, config.rateLimit > 0)))
      await sendGrid.send({
        to: { email: person.email, ...(person.name !== null && { name: person.name }) },
        category: 'sign-in',
        ...signInMail({
          ...{ language: person.language, link: signInUrl(config.publicUrl, token) },
          ...{ publicUrl: config.publicUrl, site: config },
        }),
      });
    return { attempts: attempt };
  },
});
