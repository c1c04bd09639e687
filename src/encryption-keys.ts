/** The keys that encrypt what Temporal stores. */
import { createHash } from 'node:crypto';

/** A key of AES-256, and the name by which an encrypted payload refers to it. */
export type EncryptionKey = { id: string; key: Buffer };

const KEY_BYTES = 32;

export type ReadKeys = { status: 'read'; keys: EncryptionKey[] } | { status: 'faulty'; fault: string };

/**
 * Reads `ENCRYPTION_KEY`: keys of 32 bytes in base64, comma-separated, each with an optional `id:` prefix. A key without an
 * id is named by a hash of itself, so that keys can be reordered and added without naming any.
 * @returns the keys, the one that encrypts first; or the fault, as the end of a sentence that begins with the setting's name
 */
export function readKeys(setting: string): ReadKeys {
  const keys = setting.split(',').map((part): EncryptionKey => {
    const [, id, text = ''] = /^(?:([\w.-]+):)?([A-Za-z0-9+/]+={0,2})$/.exec(part.trim()) ?? [];
    const key = Buffer.from(text, 'base64');
    return { id: id ?? createHash('sha256').update(key).digest('hex').slice(0, 8), key };
  });
  const faulty = (fault: string): ReadKeys => ({ status: 'faulty', fault });
  if (keys.some(({ key }) => key.length !== KEY_BYTES))
    return faulty(
      'must be base64 of 32 bytes, with an optional id: before it; several are separated by commas',
    );
  if (new Set(keys.map(({ id }) => id)).size < keys.length) return faulty('names two keys the same');
  return { status: 'read', keys };
}
