/**
 * Encrypts what Temporal stores of a registration, so that names, addresses and e-mail are readable with a key only, and nothing
 * counts that was written without one. Each payload is bound to the run or the activity that it was written for, which Temporal's SDK
 * tells (SerializationContext, experimental in 1.24): to copy it to another one makes it unreadable there.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ValueError, type Payload, type PayloadCodec, type SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { EncryptionKey } from '../encryption-keys.ts';

const CIPHER = 'aes-256-gcm';
const [IV_BYTES, TAG_BYTES, OWNER_BYTES] = [12, 16, 16];
/** Bound payloads: owner, IV, ciphertext and tag. Compressed, because the history of a run is paid for by the byte. */
const [BOUND, BOUND_COMPRESSED] = ['binary/sealed', 'binary/sealed-deflate'];
/** Payloads of earlier releases, bound to nothing: IV, ciphertext and tag. They are read until their key is removed. */
const [UNBOUND, UNBOUND_COMPRESSED] = ['binary/encrypted', 'binary/encrypted-deflate'];
/** Compression does not shorten payloads below this size. */
const COMPRESS_FROM_BYTES = 120;
/** The owner of what an organizer encrypts through the Web UI, which does not say for which run. */
const NOBODY = Buffer.alloc(OWNER_BYTES);

const { Payload: Message } = proto.temporal.api.common.v1;

/**
 * Encrypts with the first key and decrypts with any of them. What is not encrypted, has no key here, was changed, or belongs to
 * another run becomes a payload that no converter reads, and is not an error yet: so an update or a query is rejected, a
 * signal that nobody handles does no harm, and the activity or the workflow task that needs it fails, visibly, and is tried
 * again.
 *
 * @param acceptPlain reads payloads that are not encrypted, of a service that had no key
 */
export function createCodec(keys: EncryptionKey[], { acceptPlain = false } = {}): PayloadCodec {
  const [current] = keys;
  if (!current) throw new ValueError('A codec needs a key');
  const byId = new Map(keys.map(({ id, key }) => [id, key]));

  const encrypt = (payload: Payload, context?: SerializationContext): Payload => {
    const plain = Message.encode(payload).finish();
    const compressed = plain.length >= COMPRESS_FROM_BYTES;
    const encoding = compressed ? BOUND_COMPRESSED : BOUND;
    const [owner, iv] = [ownerOf(context), randomBytes(IV_BYTES)];
    const cipher = createCipheriv(CIPHER, current.key, iv);
    cipher.setAAD(associated(encoding, current.id, owner));
    const content = compressed ? deflateRawSync(plain) : plain;
    const data = Buffer.concat([owner, iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    return {
      metadata: { encoding: Buffer.from(encoding), 'key-id': Buffer.from(current.id) },
      data,
    };
  };

  function decrypt(payload: Payload, context?: SerializationContext): Payload {
    const encoding = textOf(payload.metadata?.encoding);
    const isBound = encoding === BOUND || encoding === BOUND_COMPRESSED;
    if (!isBound && encoding !== UNBOUND && encoding !== UNBOUND_COMPRESSED)
      return acceptPlain ? payload : refused('not-encrypted');
    const id = textOf(payload.metadata?.[isBound ? 'key-id' : 'encryption-key-id']);
    const key = byId.get(id);
    if (!key) return refused('unknown-key');
    const data = payload.data ?? new Uint8Array();
    const owner = data.subarray(0, isBound ? OWNER_BYTES : 0);
    if (isBound && !mayRead(owner, context)) return refused('of-another-run');
    try {
      const sealed = data.subarray(owner.length);
      const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      if (isBound) decipher.setAAD(associated(encoding, id, owner));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      const compressed = encoding === BOUND_COMPRESSED || encoding === UNBOUND_COMPRESSED;
      return Message.decode(compressed ? inflateRawSync(plain) : plain);
    } catch {
      return refused('not-authentic');
    }
  }

  return {
    encode: (payloads, context) => Promise.resolve(payloads.map((payload) => encrypt(payload, context))),
    decode: (payloads, context) => Promise.resolve(payloads.map((payload) => decrypt(payload, context))),
  };
}

/** What stands beside the ciphertext and is authenticated with it. */
const associated = (encoding: string, keyId: string, owner: Uint8Array) =>
  Buffer.concat([Buffer.from(`${encoding}\0${keyId}\0`), owner]);

/** The run or the activity that a payload belongs to, as a hash, which is short and the same for writer and reader. */
function ownerOf(context: SerializationContext | undefined): Buffer {
  if (!context) return NOBODY;
  const { type, namespace, workflowId } = context;
  const activity = type === 'activity' ? context.activityId : undefined;
  const name = JSON.stringify([type, namespace, workflowId ?? null, activity ?? null]);
  return createHash('sha256').update(name).digest().subarray(0, OWNER_BYTES);
}

/**
 * Whether a reader accepts this owner. The Web UI reads without a context: it gets everything that decrypts. A run takes what
 * an organizer encrypted there as well, an activity does not.
 */
function mayRead(owner: Uint8Array, context: SerializationContext | undefined): boolean {
  if (!context || ownerOf(context).equals(owner)) return true;
  return context.type === 'workflow' && NOBODY.equals(owner);
}

type Reason = 'not-encrypted' | 'unknown-key' | 'not-authentic' | 'of-another-run';
/** A payload that every converter refuses with "Unknown encoding: refused/...", which the Web UI shows. */
const refused = (reason: Reason): Payload => ({
  metadata: { encoding: Buffer.from(`refused/${reason}`) },
  data: new Uint8Array(),
});
/** Whether the codec refused a payload that it was given. */
export const isRefused = ({ metadata }: Payload): boolean =>
  textOf(metadata?.encoding).startsWith('refused/');

const textOf = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();
