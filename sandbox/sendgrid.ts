/** SendGrid's `POST /v3/mail/send`, with its own checks of a message (docs.sendgrid.com, Mail Send). */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { applyFaults, Refusal, type Faults } from './faults.ts';
import type { Journal } from './journal.ts';

const Address = Type.Object({ email: Type.String(), name: Type.Optional(Type.String()) });
const Args = Type.Record(Type.String(), Type.String());
const Message = Type.Object({
  personalizations: Type.Array(
    Type.Object({
      to: Type.Array(Address),
      subject: Type.Optional(Type.String()),
      custom_args: Type.Optional(Args),
    }),
  ),
  from: Address,
  subject: Type.Optional(Type.String()),
  content: Type.Optional(Type.Array(Type.Object({ type: Type.String(), value: Type.String() }))),
  attachments: Type.Optional(
    Type.Array(
      Type.Object({
        content: Type.String(),
        filename: Type.String(),
        type: Type.Optional(Type.String()),
        content_id: Type.Optional(Type.String()),
      }),
    ),
  ),
  categories: Type.Optional(Type.Array(Type.String())),
  custom_args: Type.Optional(Args),
});
type Message = Static<typeof Message>;

export type Mail = {
  id: string;
  at: string;
  to: Static<typeof Address>[];
  from: Static<typeof Address>;
  subject: string;
  text: string;
  html: string;
  attachments: { filename: string; type: string; content: string; contentId?: string | undefined }[];
  customArgs: Record<string, string>;
  categories: string[];
};

const MAX_BYTES = 30 * 1024 * 1024;
const errors = (message: string, field: string | null = null) => ({
  errors: [{ message, field, help: null }],
});
const isAddress = ({ email }: Static<typeof Address>) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email);

/** What SendGrid says with a status when it has nothing to say about a field. */
const MESSAGES: Record<number, string> = {
  400: 'Bad Request',
  403: 'access forbidden',
  413: 'Payload too large',
  429: 'too many requests',
};
const plainError = (status: number) => errors(MESSAGES[status] ?? 'internal error');

/** What is wrong with a message, as SendGrid's field and sentence; undefined when it would be sent. */
function fault(mail: Message): [field: string, message: string] | undefined {
  const { personalizations, content = [], attachments = [], categories = [] } = mail;
  if (personalizations.length === 0)
    return [
      'personalizations',
      'The personalizations field is required and must have at least one personalization.',
    ];
  for (const [i, { to }] of personalizations.entries()) {
    if (to.length === 0)
      return [
        `personalizations.${i}.to`,
        'The to array is required for all personalization objects, and must have at least one email object.',
      ];
    const bad = to.findIndex((address) => !isAddress(address));
    if (bad >= 0) return [`personalizations.${i}.to.${bad}.email`, 'Does not contain a valid address.'];
  }
  if (!isAddress(mail.from)) return ['from.email', 'The from email does not contain a valid address.'];
  if (!mail.subject && personalizations.some(({ subject }) => !subject))
    return ['subject', 'The subject is required.'];
  if (/[\r\n]/.test(mail.subject ?? '')) return ['subject', 'The subject must not contain line breaks.'];
  if (content.length === 0)
    return ['content', 'Unless a valid template_id is provided, the content parameter is required.'];
  const empty = content.findIndex(({ type, value }) => !type || !value);
  if (empty >= 0)
    return [`content.${empty}.value`, 'The content value must be a string at least one character in length.'];
  if (content.findIndex(({ type }) => type === 'text/plain') > 0)
    return ['content', 'If present, text/plain must be first.'];
  for (const [i, attachment] of attachments.entries()) {
    if (!attachment.filename) return [`attachments.${i}.filename`, 'The attachment filename is required.'];
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(attachment.content))
      return [`attachments.${i}.content`, 'The attachment content must be base64 encoded.'];
  }
  if (categories.length > 10) return ['categories', 'You cannot have more than 10 categories per request.'];
  if (Buffer.byteLength(JSON.stringify(mail.custom_args ?? {})) > 10_000)
    return ['custom_args', 'The custom_args may not exceed 10000 bytes.'];
  return undefined;
}

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
    attachments: (message.attachments ?? []).map(
      ({ filename, type = '', content, content_id: contentId }) => ({
        filename,
        type,
        content,
        contentId,
      }),
    ),
    customArgs: { ...message.custom_args, ...first?.custom_args },
    categories: message.categories ?? [],
  };
}

export function createSendGrid(journal: Journal, apiKey: string, faults: Faults) {
  const mails = journal.map<Mail>('sendgrid.mails');

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
          mails.set(mail.id, mail);
          return reply.code(202).header('x-message-id', mail.id).send();
        },
      );
      done();
    });
  }
  return { mails, routes };
}
