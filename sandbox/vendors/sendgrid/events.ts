/** SendGrid's signed event webhook: what becomes of mails (docs.sendgrid.com, Event Webhook Reference). */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  randomBytes,
} from 'node:crypto';
import { createDeliveries } from '../deliveries.ts';
import type { Journal, StoredMap } from '../journal.ts';
import type { Mail } from './api.ts';

/** Minutes after each attempt: for a day. */
const WAITS_MIN = Array.from({ length: 29 }, (_, n) => Math.min(2 ** n, 60));

/** The key pair of the sandbox is always the same, as its other credentials are, so that settings can be made before it runs. */
function keyPair() {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(createHash('sha256').update('sandbox').digest());
  const [x, y] = [1, 33].map((from) =>
    curve
      .getPublicKey()
      .subarray(from, from + 32)
      .toString('base64url'),
  );
  const d = curve.getPrivateKey().toString('base64url');
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d }, format: 'jwk' });
}
const privateKey = keyPair();
/** The verification key, as SendGrid's page shows it. */
export const WEBHOOK_PUBLIC_KEY = createPublicKey(privateKey)
  .export({ type: 'spki', format: 'der' })
  .toString('base64');

/** Signs a batch as SendGrid does: ECDSA over timestamp and body. */
export function signBatch(body: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createSign('SHA256')
    .update(timestamp + body)
    .sign(privateKey, 'base64');
  return {
    'x-twilio-email-event-webhook-signature': signature,
    'x-twilio-email-event-webhook-timestamp': timestamp,
  };
}

/** Mail to an address that begins so bounces. */
const BOUNCES = /^bounce/i;
type Suppression = { email: string; reason: 'Bounced Address' | 'Spam Reporting Address' };

export function createMailEvents(journal: Journal, mails: StoredMap<Mail>) {
  const suppressed = journal.map<Suppression>('sendgrid.suppressions');
  const events = createDeliveries(journal, {
    name: 'sendgrid',
    waits: WAITS_MIN.map((minutes) => minutes * 60_000),
    sign: signBatch,
  });

  function tell(mail: Mail, happened: { event: string; [property: string]: string }[]): void {
    const [to] = mail.to;
    const category = mail.categories.length === 1 ? mail.categories[0] : mail.categories;
    const batch = happened.map((properties) => ({
      email: to?.email,
      timestamp: Math.floor(Date.now() / 1000),
      'smtp-id': `<${mail.id}@sandbox>`,
      category,
      sg_event_id: randomBytes(16).toString('base64url'),
      sg_message_id: `${mail.id}.recvd-sandbox`,
      ...mail.customArgs,
      ...properties,
    }));
    const kind = happened.map(({ event }) => event).join(', ');
    events.send(randomBytes(12).toString('base64url'), kind, batch);
  }
  const processed = { event: 'processed' };

  return {
    events,
    /** Takes a mail: it arrives, bounces, or is dropped because an earlier one bounced or was reported. */
    accept(mail: Mail): void {
      const email = mail.to[0]?.email.toLowerCase() ?? '';
      const suppression = suppressed.get(email);
      if (suppression) {
        mails.set(mail.id, { ...mail, outcome: 'dropped' });
        tell(mail, [{ event: 'dropped', reason: suppression.reason }]);
      } else if (BOUNCES.test(email)) {
        mails.set(mail.id, { ...mail, outcome: 'bounced' });
        suppressed.set(email, { email, reason: 'Bounced Address' });
        const reason = `550 5.1.1 The email account that you tried to reach does not exist: ${email}`;
        const bounce = { type: 'bounce', bounce_classification: 'Invalid Address', status: '5.1.1', reason };
        tell(mail, [processed, { event: 'bounce', ...bounce }]);
      } else {
        mails.set(mail.id, { ...mail, outcome: 'delivered' });
        tell(mail, [processed, { event: 'delivered', response: '250 OK' }]);
      }
    },
    /** The recipient's mail program reports a mail. */
    reportSpam: (id: string): void => {
      const mail = mails.get(id);
      const email = mail?.to[0]?.email.toLowerCase();
      if (!mail || email === undefined) return;
      mails.set(id, { ...mail, outcome: 'reported as spam' });
      suppressed.set(email, { email, reason: 'Spam Reporting Address' });
      tell(mail, [{ event: 'spamreport' }]);
    },
  };
}
