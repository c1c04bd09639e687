/** `POST /webhooks/sendgrid`: SendGrid tells, in batches, what became of mails. */
import type { IncomingHttpHeaders } from 'node:http';
import { MAIL_PROBLEMS, noteMailEvents, type MailEvent } from '../../database/mail-events.ts';
import { signedBySendGrid } from '../../vendors/sendgrid-events.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { NotSigned } from './index.ts';

/** Bytes of a body. SendGrid sends a batch when it has 768 kB, at the latest (docs.sendgrid.com, Event Webhook). */
const BODY_LIMIT = 1024 * 1024;

export function sendgridRoute(app: App, { database }: Dependencies, webhookKey: string): void {
  const isSigned = signedBySendGrid(webhookKey);
  app.post<{ Body: Buffer | undefined }>(
    '/sendgrid',
    { bodyLimit: BODY_LIMIT, schema: { hide: true } },
    async ({ headers, body }, reply) => {
      const text = body?.toString() ?? '';
      if (!isSigned(text, headerOf(headers, 'signature'), headerOf(headers, 'timestamp')))
        throw new NotSigned();
      const events = readEvents(text);
      if (!events) return reply.code(400).send();
      await noteMailEvents(database, events);
      return reply.code(204).send();
    },
  );
}

const headerOf = (headers: IncomingHttpHeaders, name: 'signature' | 'timestamp'): string =>
  String(headers[`x-twilio-email-event-webhook-${name}`] ?? '');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ID = /^[\w=+/.-]{1,200}$/;
const KINDS = [...MAIL_PROBLEMS, 'delivered'] as const;
/** SendGrid's short words, such as `blocked` and `5.1.1`. Anything longer may quote an address. */
const WORD = /^[\w.-]{1,20}$/;
const CATEGORY = /^[a-z-]{1,30}$/;

/**
 * The events of a batch that are about a mail of a registration. What SendGrid has signed may still have any shape.
 * @returns undefined for what is no JSON
 */
/** Seconds (Unix time) of the years 2000 and 2100, between which an event can have happened. */
const [EARLIEST, LATEST] = [946_684_800, 4_102_444_800];

function readEvents(text: string): MailEvent[] | undefined {
  try {
    const batch: unknown = JSON.parse(text);
    return (Array.isArray(batch) ? batch : []).flatMap((one: unknown) => readEvent(one) ?? []);
  } catch {
    return undefined;
  }
}

function readEvent(one: unknown): MailEvent | undefined {
  if (typeof one !== 'object' || one === null) return undefined;
  const {
    event,
    sg_event_id: id,
    registrationId,
    email,
    timestamp,
    category,
    type,
    status,
  } = one as Record<string, unknown>;
  const kind = KINDS.find((known) => known === event);
  if (!kind || typeof registrationId !== 'string' || !UUID.test(registrationId)) return undefined;
  if (typeof id !== 'string' || !ID.test(id) || typeof email !== 'string') return undefined;
  if (typeof timestamp !== 'number' || timestamp < EARLIEST || timestamp > LATEST) return undefined;
  const [named] = [category].flat();
  const words = [type, status].filter((word) => typeof word === 'string' && WORD.test(word));
  return {
    ...{ id, kind, email, registration: registrationId },
    category: typeof named === 'string' && CATEGORY.test(named) ? named : 'other',
    code: words.join(' ') || null,
    at: new Date(timestamp * 1000),
  };
}
