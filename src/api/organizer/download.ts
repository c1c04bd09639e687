/** Sends a file of any length: whole, or as a download that the browser reports as failed, and never a short file that looks whole. */
import { randomUUID } from 'node:crypto';
import { finished, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteBeginning, noteEnd, type Download } from '../../database/desk/downloads.ts';
import type { Condition } from '../../database/desk/search.ts';
import { openSnapshot, type Snapshot } from '../../database/desk/snapshot.ts';
import type { Database } from '../../database/connection.ts';
import { traceOf } from '../../trace.ts';
import { ending, header, lines } from '../../web/organizer/exports/csv.ts';
import type { ExportFile } from '../../web/organizer/exports/file.ts';
import { Problem } from '../problem.ts';
import { sessionOf } from './session.ts';

/** Downloads of one process at a time: each has one of the ten connections to the database. */
export const AT_ONCE = 2;
/** A reader that is slower than this holds up the database, which keeps what has changed since. */
const LONGEST_MS = 600_000;
const RETRY_AFTER_S = 30;

/** What is sent, and what the history says of it. */
export type Wanted<Row> = Pick<Download, 'file' | 'event' | 'filters'> & {
  statement: Condition;
  content: ExportFile<Row>;
};

/** The error that breaks a download off: without the message of its cause, which may quote a row. */
const brokenOff = () => new Error('The download was broken off');

/** Downloads of one process. `longestMs`: for tests. */
export function downloads(database: Database, { longestMs = LONGEST_MS } = {}) {
  let open = 0;

  /**
   * Sends a file, as it is at this moment.
   * @throws Problem `too-many-exports`, or the error of the database: then nothing was sent
   */
  return async function send<Row>(
    request: FastifyRequest,
    reply: FastifyReply,
    { statement, content, ...wanted }: Wanted<Row>,
  ): Promise<FastifyReply> {
    if (open >= AT_ONCE) throw new Problem('too-many-exports', { retryAfterSeconds: RETRY_AFTER_S });
    open++;
    const download: Download = { id: randomUUID(), organizer: sessionOf(request).organizer.id, ...wanted };
    const progress = { lines: 0, complete: false };
    let snapshot: Snapshot<Row> | undefined;
    const release = async () => {
      await snapshot?.close();
      open--;
    };
    const first = await (async () => {
      snapshot = await openSnapshot<Row>(database, statement);
      const rows = await snapshot.next();
      await noteBeginning(database, download);
      return { rows, next: snapshot.next };
    })().catch(async (error: unknown) => {
      await release();
      throw error;
    });

    const body = Readable.from(write(content, first, progress, request), { objectMode: false });
    const timer = setTimeout(() => body.destroy(brokenOff()), longestMs);
    body.once('close', () => {
      clearTimeout(timer);
      release().catch((error: unknown) => {
        request.log.error({ error: traceOf(error) }, 'a connection is not given back');
      });
    });
    finished(reply.raw, (error) => {
      const outcome = { lines: progress.lines, complete: progress.complete && !error };
      noteEnd(database, download, outcome).catch((failure: unknown) => {
        request.log.error({ error: traceOf(failure) }, 'the end of a download is not noted');
      });
    });
    return reply
      .type('text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="${wanted.file}.csv"`)
      .header('x-content-type-options', 'nosniff')
      .send(body);
  };
}

/** The text of a file, part by part, as fast as it is read. */
async function* write<Row>(
  { columns, sums }: ExportFile<Row>,
  { rows: first, next }: { rows: Row[]; next: () => Promise<Row[]> },
  progress: { lines: number; complete: boolean },
  { log }: FastifyRequest,
): AsyncGenerator<string> {
  const sum = sums?.();
  yield header(columns);
  try {
    for (let rows = first; rows.length > 0; rows = await next()) {
      sum?.add(rows);
      progress.lines += rows.length;
      yield lines(columns, rows);
    }
  } catch (error) {
    log.warn({ error: traceOf(error) }, 'a download is broken off');
    throw brokenOff();
  }
  yield (sum?.lines() ?? '') + ending(columns, progress.lines);
  progress.complete = true;
}
