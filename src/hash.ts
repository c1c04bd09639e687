import { createHash } from 'node:crypto';

/** Texts as one hash (SHA-256, base64url): the same texts are recognized, and cannot be read. */
export const hash = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\n')).digest('base64url');

/** Texts as a UUID that cannot be guessed without them, in the layout of version 8 (RFC 9562, 5.8). */
export function hashedUuid(...texts: string[]): string {
  const bytes = createHash('sha256').update(texts.join('\n')).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
