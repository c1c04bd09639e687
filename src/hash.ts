import { createHash } from 'node:crypto';

/** Texts as one hash (SHA-256, base64url): the same texts are recognized, and cannot be read. */
export const hash = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\n')).digest('base64url');
