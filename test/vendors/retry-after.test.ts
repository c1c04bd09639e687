import { expect, it } from 'vitest';
import { resetMs, retryAfterMs } from '../../src/vendors/retry-after.ts';

const NOW = Date.parse('2027-01-01T12:00:00Z');

it.each([
  ['7', 7000],
  ['Fri, 01 Jan 2027 12:00:30 GMT', 30_000],
  ['Fri, 01 Jan 2027 11:59:30 GMT', undefined],
  ['0', undefined],
  ['soon', undefined],
  ['86400', 600_000],
  [undefined, undefined],
])('a Retry-After of %s is a wait of %s ms, ten minutes at most', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});

it('the reset of a limit is a wait until then, ten minutes at most', () => {
  expect(resetMs(String(NOW / 1000 + 20), NOW)).toBe(20_000);
  expect(resetMs(String(NOW / 1000 - 20), NOW)).toBeUndefined();
  expect(resetMs(String(NOW / 1000 + 86_400), NOW)).toBe(600_000);
});
