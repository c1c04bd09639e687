/** SendGrid's `POST /v3/mail/send`, with its own checks of a message (docs.sendgrid.com, Mail Send). */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { applyFaults, type Faults } from './faults.ts';
import type { Journal } from './journal.ts';

type Address = { email: string; name?: string };
type Message = {
  personalizations?: { to?: Address[]; subject?: string; custom_args?: Record<string, string> }[];
  from?: Address;
  subject?: string;
  content?: { type?: string; value?: string }[];
  attachments?: {
    content?: string;
    filename?: string;
    type?: string;
    disposition?: string;
    content_id?: string;
  }[];
  categories?: unknown[];
  custom_args?: Record<string, unknown>;
};
export type Mail = {
  id: string;
  at: string;
  to: Address[];
  from: Address;
  subject: string;
  text: string;
  html: string;
  attachments: { filename: string; type: string; content: string; contentId?: string | undefined }[];
  customArgs: Record<string, unknown>;
  categories: unknown[];
};

const MAX_BYTES = 30 * 1024 * 1024;
const errors = (message: string, field: string | null = null) => ({
  errors: [{ message, field, help: null }],
});
const isAddress = (address?: Address) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address?.email ?? '');

/** What is wrong with a message, as SendGrid's field and sentence; undefined when it would be sent. */
function fault(mail: Message): [field: string, message: string] | undefined {
  const { personalizations = [], content = [], attachments = [], categories = [] } = mail;
  if (personalizations.length === 0)
    return [
      'personalizations',
      'The personalizations field is required and must have at least one personalization.',
    ];
  for (const [i, { to = [] }] of personalizations.entries()) {
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
  if (content.some(({ type, value }) => !type || !value))
    return ['content.0.value', 'The content value must be a string at least one character in length.'];
  const order = content.map(({ type }) => type);
  if (order.includes('text/plain') && order.indexOf('text/plain') !== 0)
    return ['content', 'If present, text/plain must be first.'];
  for (const [i, attachment] of attachments.entries()) {
    if (!attachment.filename) return [`attachments.${i}.filename`, 'The attachment filename is required.'];
    if (!attachment.content || !/^[A-Za-z0-9+/]+={0,2}$/.test(attachment.content))
      return [`attachments.${i}.content`, 'The attachment content must be base64 encoded.'];
  }
  if (categories.length > 10) return ['categories', 'You cannot have more than 10 categories per request.'];
  if (Buffer.byteLength(JSON.stringify(mail.custom_args ?? {})) > 10_000)
    return ['custom_args', 'The custom_args may not exceed 10000 bytes.'];
  return undefined;
}

export function createSendGrid(journal: Journal, apiKey: string, faults: Faults) {
  const mails = journal.map<Mail>('sendgrid.mails');
  function routes(app: FastifyInstance): void {
    void app.register((api, _options, done) => {
      api.addHook('preHandler', async (request, reply) => {
        if (request.headers.authorization === `Bearer ${apiKey}`) return undefined;
        return reply
          .code(401)
          .send(errors('The provided authorization grant is invalid, expired, or revoked'));
      });
      applyFaults(api, 'sendgrid', faults, (status) =>
        errors(status === 429 ? 'too many requests' : 'internal error'),
      );
      api.post('/v3/mail/send', { bodyLimit: MAX_BYTES + 1 }, (request, reply) => {
        if (Number(request.headers['content-length']) > MAX_BYTES)
          return reply.code(413).send(errors('Payload too large'));
        if (typeof request.body !== 'object' || request.body === null)
          return reply.code(400).send(errors('Bad Request'));
        const message = request.body as Message;
        const wrong = fault(message);
        if (wrong) return reply.code(400).send(errors(wrong[1], wrong[0]));
        const part = (type: string) => message.content?.find((content) => content.type === type)?.value ?? '';
        const id = randomBytes(11).toString('base64url');
        mails.set(id, {
          id,
          at: new Date().toISOString(),
          to: (message.personalizations ?? []).flatMap(({ to = [] }) => to),
          from: message.from ?? { email: '' },
          subject: message.subject ?? '',
          text: part('text/plain'),
          html: part('text/html'),
          attachments: (message.attachments ?? []).map(
            ({ filename = '', type = '', content = '', content_id: contentId }) => ({
              filename,
              type,
              content,
              contentId,
            }),
          ),
          customArgs: { ...message.custom_args, ...message.personalizations?.[0]?.custom_args },
          categories: message.categories ?? [],
        });
        return reply.code(202).header('x-message-id', id).send();
      });
      done();
    });
  }
  return { mails, routes };
}
