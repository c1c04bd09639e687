/** SendGrid's `POST /v3/mail/send`, including its validation (docs.sendgrid.com, Mail Send). */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { applyFaults, Refusal, type Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import { createMailEvents } from './events.ts';
import { fault, Message, type Address } from './rules.ts';

export type Attachment = {
  filename: string;
  type: string;
  content: string;
  /** An inline attachment is displayed where the HTML part refers to its content id. */
  disposition: 'inline' | 'attachment';
  contentId?: string | undefined;
};
export type Mail = {
  id: string;
  at: string;
  to: Static<typeof Address>[];
  from: Static<typeof Address>;
  subject: string;
  text: string;
  html: string;
  /** Custom headers such as `List-Unsubscribe`. */
  headers: Record<string, string>;
  attachments: Attachment[];
  customArgs: Record<string, string>;
  categories: string[];
  /** What became of it, where that was not decided when it was stored. */
  outcome?: 'delivered' | 'bounced' | 'dropped' | 'reported as spam';
};

const MAX_BYTES = 30 * 1024 * 1024;
const errors = (message: string, field: string | null = null) => ({
  errors: [{ message, field, help: null }],
});
/** SendGrid's messages for errors that do not concern a field. */
const MESSAGES: Record<number, string> = {
  400: 'Bad Request',
  403: 'access forbidden',
  413: 'Payload too large',
  429: 'too many requests',
};
const plainError = (status: number) => errors(MESSAGES[status] ?? 'internal error');

function received(message: Message): Mail {
  const part = (type: string) => message.content?.find((content) => content.type === type)?.value ?? '';
  const [first] = message.personalizations;
  return {
    id: randomBytes(11).toString('base64url'),
    at: new Date().toISOString(),
    to: message.personalizations.flatMap(({ to }) => to),
    from: message.from,
    subject: first?.subject ?? message.subject ?? '',
    text: part('text/plain'),
    html: part('text/html'),
    headers: { ...message.headers, ...first?.headers },
    attachments: (message.attachments ?? []).map(
      ({ filename, type = '', content, disposition, content_id: contentId }) => ({
        filename,
        type,
        content,
        disposition: disposition === 'inline' ? 'inline' : 'attachment',
        contentId,
      }),
    ),
    customArgs: { ...first?.custom_args },
    categories: message.categories ?? [],
  };
}

export function createSendGrid(journal: Journal, apiKey: string, faults: Faults) {
  const mails = journal.map<Mail>('sendgrid.mails');
  const mailEvents = createMailEvents(journal, mails);

  function routes(app: FastifyInstance): void {
    app.register((api, _options, done) => {
      api.addHook('onRequest', (request, _reply, next) => {
        if (request.headers.authorization === `Bearer ${apiKey}`) next();
        else
          next(new Refusal(401, errors('The provided authorization grant is invalid, expired, or revoked')));
      });
      applyFaults(api, 'sendgrid', faults, { body: plainError });
      api.post<{ Body: Message }>(
        '/v3/mail/send',
        { bodyLimit: MAX_BYTES, schema: { body: Message } },
        ({ body }, reply) => {
          const wrong = fault(body);
          if (wrong) throw new Refusal(400, errors(wrong[1], wrong[0]));
          const mail = received(body);
          mailEvents.accept(mail);
          return reply.code(202).header('x-message-id', mail.id).send();
        },
      );
      done();
    });
  }
  return { mails, routes, events: mailEvents.events, reportSpam: mailEvents.reportSpam };
}
