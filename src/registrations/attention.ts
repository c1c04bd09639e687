/**
 * What workers look after every few minutes, one of them at a time: registrations whose run was stopped, steps whose outcome is not
 * known, and alerts to the owners. What they find is in the database, so that the dashboard needs neither Temporal nor a worker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import { decideAlerts, settleAlertMail, takeAlertMail } from '../database/alerts.ts';
import type { Database } from '../database/connection.ts';
import { noteSuccess, takeTurn } from '../database/jobs.ts';
import { findStoppedRegistrations, replaceStoppedRuns } from '../database/stopped-runs.ts';
import { probeTemporal } from '../temporal/client.ts';
import type { SendGrid } from '../vendors/sendgrid.ts';
import { VendorError } from '../vendors/vendor-error.ts';
import { alertMail } from '../web/emails/alert.ts';
import { catchUp } from './catch-up.ts';
import { findStopped } from './stopped-runs.ts';

/** The job as `background_jobs` has it. Its last success is when Temporal was last asked about everything. */
export const JOB = 'attention';
const EVERY_SECONDS = 180;
/** How often each worker sees whether it is time. */
const LOOK_MS = 60_000;
/** A call to a vendor under way may take longer. What it would have brought is found the next time. */
const STOP_WITHIN_MS = 3000;
/** As `npm run reconcile`: a run is started within seconds after its seat was claimed. */
const OLDER_THAN_MINUTES = 5;
/** Of Temporal's list of stopped runs, the newest: a round stays short after thousands were terminated. */
const MOST_LISTED = 1000;

type Dependencies = { config: Config; database: Database; temporal: Client; sendGrid: SendGrid };
type Options = { everySeconds?: number; olderThanMinutes?: number; signal?: AbortSignal };

/**
 * One round, unless a worker had one within `everySeconds`. Each part is tried whatever became of the others.
 * @returns whether it was this worker's turn
 * @throws the first error of its parts
 */
export async function lookAfter(
  dependencies: Dependencies,
  { everySeconds = EVERY_SECONDS, olderThanMinutes = OLDER_THAN_MINUTES, signal }: Options = {},
): Promise<boolean> {
  const { database } = dependencies;
  if (!(await takeTurn(database, JOB, everySeconds))) return false;
  const stopping = signal ? { signal } : {};
  const errors: unknown[] = [];
  const part = (work: Promise<void>) => work.catch((error: unknown) => void errors.push(error));
  await part(findAgain(dependencies, { olderThanMinutes, ...stopping }));
  await part(catchUp(dependencies, stopping));
  if (errors.length === 0) await part(noteSuccess(database, JOB));
  await part(decideAlerts(database));
  await part(sendAlerts(dependencies, stopping));
  if (errors.length > 0) throw errors[0];
  return true;
}

/** Replaces what is known of stopped runs. While Temporal is away, the last finding stands. */
async function findAgain(
  { database, temporal }: Dependencies,
  options: Required<Pick<Options, 'olderThanMinutes'>> & Options,
): Promise<void> {
  await probeTemporal(temporal);
  const known = await findStoppedRegistrations(database);
  const stopped = await findStopped({ database, temporal }, { ...options, most: MOST_LISTED, known });
  await replaceStoppedRuns(
    database,
    stopped.map(({ id: registration, kind, run }) => ({ registration, kind, run })),
  );
}

/**
 * Sends the mails of alerts that are due, until SendGrid cannot be reached. At least once: a mail is sent again when its sender dies
 * between SendGrid's answer and the next statement.
 */
async function sendAlerts(
  { config, database, sendGrid }: Dependencies,
  { signal }: Pick<Options, 'signal'>,
): Promise<void> {
  for (let mail = await takeAlertMail(database); mail; mail = await takeAlertMail(database)) {
    signal?.throwIfAborted();
    const { to, ...alert } = mail;
    if (to) {
      const content = alertMail({
        ...alert,
        language: to.language,
        publicUrl: config.publicUrl,
        site: config,
      });
      const recipient = { email: to.email, ...(to.name !== null && { name: to.name }) };
      await sendGrid.send({ to: recipient, category: 'alert', ...content }).catch((error: unknown) => {
        // A mail that SendGrid refuses for good would be refused again.
        if (!(error instanceof VendorError) || !error.final) throw error;
      });
    }
    await settleAlertMail(database, mail);
  }
}

/** Looks after everything now and every few minutes. What fails is done the next time. Returns a function that stops it. */
export function lookAfterEveryFewMinutes(
  dependencies: Dependencies,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const look = async () => {
    while (!signal.aborted) {
      await lookAfter(dependencies, { signal }).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      });
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const looking = look();
  return async () => {
    stopping.abort();
    await Promise.race([looking, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
  };
}
