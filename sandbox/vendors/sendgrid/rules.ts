/** The body of `POST /v3/mail/send`, and SendGrid's rules for it (docs.sendgrid.com, Mail Send, errors). */
import Type, { type Static } from 'typebox';

export const Address = Type.Object({ email: Type.String(), name: Type.Optional(Type.String()) });
const Texts = Type.Record(Type.String(), Type.String());
export const Message = Type.Object({
  personalizations: Type.Array(
    Type.Object({
      to: Type.Array(Address),
      subject: Type.Optional(Type.String()),
      headers: Type.Optional(Texts),
      custom_args: Type.Optional(Texts),
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
        disposition: Type.Optional(Type.String()),
        content_id: Type.Optional(Type.String()),
      }),
    ),
  ),
  headers: Type.Optional(Texts),
  categories: Type.Optional(Type.Array(Type.String())),
  // SendGrid describes it as a text here, and as an object in a personalization.
  custom_args: Type.Optional(Type.String()),
});
export type Message = Static<typeof Message>;

const isAddress = ({ email }: Static<typeof Address>) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email);

/** Headers that SendGrid sets itself. */
const RESERVED =
  'x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to cc bcc'.split(
    ' ',
  );

/** Returns the error in the headers of a message or a personalization, if any. */
function headerFault(headers: Record<string, string>): string | undefined {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (names.some((name) => !/^[\x21-\x39\x3b-\x7e]+$/.test(name)))
    return 'Header keys cannot contain non-ASCII characters and empty spaces.';
  if (names.some((name) => RESERVED.includes(name))) return 'Header can not be one of the reserved keys.';
  if (new Set(names).size < names.length) return 'The headers cannot contain duplicate keys.';
  // A line break would start another header, and non-ASCII characters must be encoded.
  if (Object.values(headers).some((value) => !/^[\x20-\x7e\t]*$/.test(value)))
    return 'The header values must be strings of ASCII characters without line breaks.';
  return undefined;
}

type Attachment = NonNullable<Message['attachments']>[number];

/** Returns the invalid field of an attachment and SendGrid's message, if any. */
function attachmentFault(attachment: Attachment): [field: string, message: string] | undefined {
  const { filename, content, type, disposition = 'attachment', content_id: contentId } = attachment;
  const breaks = /[;,\r\n]/;
  if (!filename) return ['filename', 'The attachment filename is required.'];
  if (breaks.test(filename))
    return ['filename', 'The filename of your attachment cannot contain CRLF characters.'];
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(content) || content.length % 4 > 0)
    return ['content', 'The attachment content must be base64 encoded.'];
  if (type === '')
    return ['type', 'The attachment type must be a string and at least one character in length.'];
  if (disposition !== 'inline' && disposition !== 'attachment')
    return [
      'disposition',
      `The disposition of your attachment can be either "inline" or "attachment". You provided ${disposition}.`,
    ];
  if (contentId !== undefined && (contentId === '' || breaks.test(contentId)))
    return ['content_id', 'The content ID of your attachment cannot contain CRLF characters.'];
  return undefined;
}

/** Returns the invalid field of a message and SendGrid's message; undefined if the message is valid. */
export function fault(mail: Message): [field: string, message: string] | undefined {
  const { personalizations, content = [], attachments = [], categories = [] } = mail;
  if (personalizations.length === 0)
    return [
      'personalizations',
      'The personalizations field is required and must have at least one personalization.',
    ];
  for (const [i, { to, headers = {}, custom_args: customArgs = {} }] of personalizations.entries()) {
    if (to.length === 0)
      return [
        `personalizations.${i}.to`,
        'The to array is required for all personalization objects, and must have at least one email object.',
      ];
    const header = headerFault(headers);
    if (header) return [`personalizations.${i}.headers`, header];
    if (Buffer.byteLength(JSON.stringify(customArgs)) > 10_000)
      return [`personalizations.${i}.custom_args`, 'The custom_args may not exceed 10000 bytes.'];
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
  const header = headerFault(mail.headers ?? {});
  if (header) return ['headers', header];
  for (const [i, attachment] of attachments.entries()) {
    const wrong = attachmentFault(attachment);
    if (wrong) return [`attachments.${i}.${wrong[0]}`, wrong[1]];
  }
  if (categories.length > 10) return ['categories', 'You cannot have more than 10 categories per request.'];
  if (new Set(categories).size < categories.length) return ['categories', 'The categories must be unique.'];
  return undefined;
}
