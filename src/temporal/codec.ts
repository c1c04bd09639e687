/** Encrypts what Temporal stores of a registration, so that names, addresses and e-mail are readable with a key only. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ValueError, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { EncryptionKey } from '../encryption-keys.ts';

const CIPHER = 'aes-256-gcm';
const [IV_BYTES, TAG_BYTES] = [12, 16];
const ENCODING = 'binary/encrypted';
/** The same, compressed before encryption: the history of a run is paid for by the byte. */
const COMPRESSED = 'binary/encrypted-deflate';
/** Compression does not shorten payloads below this size. */
const COMPRESS_FROM_BYTES = 120;

const { Payload: Message } = proto.temporal.api.common.v1;

/** Encrypts with the first key and decrypts with any of them. Payloads from before encryption are read as they are. */
export function createCodec(keys: EncryptionKey[]): PayloadCodec {
  const [current] = keys;
  if (!current) throw new ValueError('A codec needs a key');
  const byId = new Map(keys.map(({ id, key }) => [id, key]));

  const encrypt = (payload: Payload): Payload => {
    const plain = Message.encode(payload).finish();
    const compressed = plain.length >= COMPRESS_FROM_BYTES;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, current.key, iv);
    const content = compressed ? deflateRawSync(plain) : plain;
    const data = Buffer.concat([iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    return {
      metadata: {
        encoding: Buffer.from(compressed ? COMPRESSED : ENCODING),
        'encryption-key-id': Buffer.from(current.id),
      },
      data,
    };
  };

  function decrypt(payload: Payload): Payload {
    const { metadata, data } = payload;
    const encoding = textOf(metadata?.encoding);
    if (encoding !== ENCODING && encoding !== COMPRESSED) return payload;
    const id = textOf(metadata?.['encryption-key-id']);
    const key = byId.get(id);
    if (!key || !data) throw new ValueError(`There is no key "${id}" in ENCRYPTION_KEY`);
    const tagAt = data.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, data.subarray(0, IV_BYTES));
    decipher.setAuthTag(data.subarray(tagAt));
    const plain = Buffer.concat([decipher.update(data.subarray(IV_BYTES, tagAt)), decipher.final()]);
    return Message.decode(encoding === COMPRESSED ? inflateRawSync(plain) : plain);
  }

  return {
    encode: (payloads) => Promise.resolve(payloads.map(encrypt)),
    // An async function, so that an error rejects instead of being thrown.
    decode: async (payloads) => Promise.resolve(payloads.map(decrypt)),
  };
}

const textOf = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();
