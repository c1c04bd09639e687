/** A person waits behind each request, so a vendor's wish to wait counts for ten minutes at most. */
const MAX_MS = 600_000;

/** A Retry-After header (RFC 9110, seconds or a date) in milliseconds; undefined when it asks for no wait. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (!header) return undefined;
  return waitMs(/^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now);
}

/** A limit's reset (Unix seconds, as SendGrid and others send it) in milliseconds from now, within the same bounds. */
export const resetMs = (header: string | undefined, now = Date.now()) => waitMs(Number(header) * 1000 - now);

const waitMs = (ms: number) => (ms > 0 ? Math.min(ms, MAX_MS) : undefined);
