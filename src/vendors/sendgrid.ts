/** SendGrid, through its mailer. */
import sgMail from '@sendgrid/mail';
import type { Config } from '../config.ts';
import { resetMs, retryAfterMs } from './retry-after.ts';
import { networkWord, VendorError } from './vendor-error.ts';

/** The whole exchange; an activity has 15 s. */
const TIMEOUT_MS = 10_000;

/** A mail that SendGrid is to send; a file with a `contentId` is shown in the mail itself. */
export type Message = {
  /** Left out for a mail that is about no registration. */
  registrationId?: string;
  to: { email: string; name?: string };
  /** Groups mails in SendGrid's statistics. */
  category: string;
  subject: string;
  text: string;
  html: string;
  attachments?: { filename: string; type: string; content: Buffer; contentId?: string }[];
};

/** The mailer with what its published types leave out. */
type Mailer = typeof sgMail & {
  client: { setDefaultRequest: (name: 'baseUrl' | 'timeout', value: string | number) => void };
};
// The package exports one shared instance; its constructor gives our own, with a client of its own.
const MailService = (sgMail as object).constructor as new () => Mailer;

export type SendGrid = ReturnType<typeof connectSendGrid>;

/** Calls to SendGrid. Each throws {@link VendorError}. */
export function connectSendGrid({ apiKey, baseUrl, from }: Config['sendgrid']) {
  const mailer = new MailService();
  mailer.setApiKey(apiKey); // This comes first, because it resets the base URL.
  if (baseUrl) mailer.client.setDefaultRequest('baseUrl', `${baseUrl}/`);
  mailer.setTimeout(TIMEOUT_MS);
  const off = { enable: false };

  return {
    /** Sends a mail. SendGrid cannot recognize a repeated request, so a repeated call sends another mail. */
    async send({ registrationId, to, category, attachments = [], ...content }: Message) {
      try {
        await mailer.send({
          ...content,
          from,
          // SendGrid describes custom arguments as an object in a personalization only.
          personalizations: [{ to, ...(registrationId !== undefined && { customArgs: { registrationId } }) }],
          attachments: attachments.map(({ content: bytes, contentId, ...file }) => ({
            ...file,
            content: bytes.toString('base64'),
            // These names are the API's: the SDK passes attachments on as they are.
            ...(contentId === undefined
              ? { disposition: 'attachment' }
              : { disposition: 'inline', content_id: contentId }),
          })),
          categories: [category],
          // The links lead to a private page, so no redirect through a tracker may contain them.
          trackingSettings: { clickTracking: off, openTracking: off },
        });
      } catch (error) {
        throw toVendorError(error);
      }
    },
  };
}

/** A refused message (400, 413) is final. A refused key, a limit or a fault of SendGrid's is not. */
function toVendorError(error: unknown): VendorError {
  const { code: status, response } = error as {
    code?: unknown;
    response?: { headers?: Record<string, string>; body?: { errors?: { field?: string | null }[] } };
  };
  const facts = { vendor: 'SendGrid' } as const;
  if (typeof status !== 'number')
    return new VendorError({ ...facts, meaning: 'Unavailable', word: networkWord(error) });
  const final = status === 400 || status === 413;
  const refusedKey = status === 401 || status === 403;
  const reset = status === 429 ? resetMs(response?.headers?.['x-ratelimit-reset']) : undefined;
  return new VendorError({
    ...facts,
    meaning: final ? 'Rejected' : refusedKey ? 'Auth' : 'Unavailable',
    final,
    status,
    word: response?.body?.errors?.[0]?.field ?? undefined,
    retryAfterMs: retryAfterMs(response?.headers?.['retry-after']) ?? reset,
  });
}
