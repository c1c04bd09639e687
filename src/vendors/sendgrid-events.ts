/** The signature of SendGrid's events. */
import { EventWebhook } from '@sendgrid/eventwebhook';

/** A signature as SendGrid writes it: base64 of DER, some 70 bytes. What is longer costs time and cannot be one. */
const SIGNATURE = /^[A-Za-z0-9+/]{60,120}={0,2}$/;
const TIMESTAMP = /^\d{1,12}$/;

/**
 * Checks signatures with the public key that SendGrid shows (base64 of DER). An old timestamp is no fault: SendGrid sends events for a
 * day, and its documentation sets no limit. An event that comes again changes nothing.
 */
export function signedBySendGrid(publicKey: string) {
  const webhook = new EventWebhook();
  const key = webhook.convertPublicKeyToECDSA(publicKey);
  return (body: string, signature: string, timestamp: string): boolean => {
    if (!SIGNATURE.test(signature) || !TIMESTAMP.test(timestamp)) return false;
    try {
      return webhook.verifySignature(key, body, signature, timestamp);
    } catch {
      // The package throws for what is no signature.
      return false;
    }
  };
}
