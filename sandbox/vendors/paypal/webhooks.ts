/** PayPal's webhook: events with its signature, and the call that checks one (Webhooks v1, verify-webhook-signature). */
import { createSign, createVerify, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createDeliveries } from '../deliveries.ts';
import type { Journal } from '../journal.ts';
import { isObject } from './order-request.ts';
import { invalid, newId } from './refusals.ts';

/** Minutes after each attempt: 25 attempts in about three days. */
const WAITS_MIN = Array.from({ length: 24 }, (_, n) => Math.min(2 ** n, 240));
const ALGORITHM = 'SHA256withRSA';

/** The fields of a request to check a signature (Webhooks v1, verify_webhook_signature). */
const FIELDS = {
  auth_algo: /^[a-zA-Z0-9]{1,100}$/,
  cert_url: /^https?:\/\/\S{1,490}$/,
  transmission_id: /^(?!\d+$)\w+\S{0,49}$/,
  transmission_sig: /^(?!\d+$)\w+\S{0,499}$/,
  transmission_time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  webhook_id: /^[a-zA-Z0-9]{1,50}$/,
} as const;

export type PayPalWebhooks = ReturnType<typeof createWebhooks>;

export function createWebhooks(journal: Journal, webhookId: string) {
  // Each start has keys of its own. They are made when the first event is signed, because that takes a moment.
  let keys: { publicKey: KeyObject; privateKey: KeyObject } | undefined;
  const keyPair = () => (keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const certUrl = `https://api.paypal.com/v1/notifications/certs/CERT-${webhookId}`;

  const signed = (id: string, time: string, webhook: string, body: string) =>
    `${id}|${time}|${webhook}|${crc32(body)}`;

  const events = createDeliveries(journal, {
    name: 'paypal',
    waits: WAITS_MIN.map((minutes) => minutes * 60_000),
    sign(body) {
      const id = randomUUID();
      const time = `${new Date().toISOString().slice(0, 19)}Z`;
      const text = signed(id, time, webhookId, body);
      return {
        'paypal-transmission-id': id,
        'paypal-transmission-time': time,
        'paypal-transmission-sig': createSign('SHA256').update(text).sign(keyPair().privateKey, 'base64'),
        'paypal-cert-url': certUrl,
        'paypal-auth-algo': ALGORITHM,
        'user-agent': 'PayPal/AUHD-214.0',
      };
    },
  });

  return {
    ...events,

    /** Tells the product of something. `resource` is what the API would return. */
    tell: (kind: string, resourceType: string, summary: string, resource: object): void => {
      const id = `WH-${newId()}-${newId()}`;
      events.send(id, kind, {
        id,
        event_version: '1.0',
        create_time: new Date().toISOString(),
        resource_type: resourceType,
        resource_version: '2.0',
        event_type: kind,
        summary,
        resource,
        links: [
          {
            href: `https://api.paypal.com/v1/notifications/webhooks-events/${id}`,
            rel: 'self',
            method: 'GET',
          },
        ],
      });
    },

    /** Checks a signature. `text` is the request as it came: the signature is about the bytes of the event in it. */
    verify(body: unknown, text: string): { verification_status: 'SUCCESS' | 'FAILURE' } {
      if (!isObject(body)) throw invalid('/', 'MISSING_REQUIRED_PARAMETER');
      for (const [field, shape] of Object.entries(FIELDS))
        if (typeof body[field] !== 'string' || !shape.test(body[field]))
          throw invalid(
            `/${field}`,
            body[field] === undefined ? 'MISSING_REQUIRED_PARAMETER' : 'INVALID_PARAMETER_SYNTAX',
          );
      const event = rawValueOf(text, 'webhook_event');
      if (!isObject(body.webhook_event) || event === undefined)
        throw invalid('/webhook_event', 'MISSING_REQUIRED_PARAMETER');
      const {
        transmission_id: id,
        transmission_time: time,
        transmission_sig: signature,
      } = body as Record<string, string>;
      const isOurs =
        body.webhook_id === webhookId && body.cert_url === certUrl && body.auth_algo === ALGORITHM;
      const isRight =
        isOurs &&
        createVerify('SHA256')
          .update(signed(String(id), String(time), webhookId, event))
          .verify(keyPair().publicKey, String(signature), 'base64');
      return { verification_status: isRight ? 'SUCCESS' : 'FAILURE' };
    },
  };
}

/** The text of a property's value in the text of a JSON object; undefined when it has no such property of its own. */
export function rawValueOf(text: string, name: string): string | undefined {
  let depth = 0;
  let start: number | undefined;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      const opened = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      const isKey = depth === 1 && /^\s*:/.test(text.slice(at + 1, at + 20));
      if (isKey && start === undefined && text.slice(opened + 1, at) === name)
        start = text.indexOf(':', at) + 1;
    } else if (letter === '{' || letter === '[') depth++;
    else if (letter === '}' || letter === ']') depth--;
    const ends = (letter === ',' && depth === 1) || depth === 0;
    if (start !== undefined && at > start && ends) return text.slice(start, at).trim();
  }
  return undefined;
}
