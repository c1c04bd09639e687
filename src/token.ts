import { randomBytes } from 'node:crypto';

/** A token that nobody can guess: 256 random bits as base64url, 43 characters. Only its hash is stored (hash.ts). */
export const newToken = (): string => randomBytes(32).toString('base64url');
