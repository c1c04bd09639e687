import type { Client } from '@temporalio/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sharedProbe } from '../../src/temporal/client.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Creates a client with only the parts that a probe uses. */
const clientThat = (describeNamespace: () => Promise<unknown>) =>
  ({
    options: { namespace: 'default' },
    connection: {
      withDeadline: (_deadline: number, call: () => unknown) => call(),
      workflowService: { describeNamespace },
    },
  }) as unknown as Client;

it('requests within 250 ms share one successful probe', async () => {
  const asked = vi.fn(() => Promise.resolve());
  const probe = sharedProbe(clientThat(asked));
  await Promise.all([probe(), probe(), probe()]);
  vi.advanceTimersByTime(200);
  await probe();
  expect(asked).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100);
  await probe();
  expect(asked).toHaveBeenCalledTimes(2);
});

it('a failed probe is not reused by the next request', async () => {
  const asked = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Error('away'))
    .mockResolvedValue(undefined);
  const probe = sharedProbe(clientThat(asked));
  await expect(probe()).rejects.toThrow('away');
  await probe();
  expect(asked).toHaveBeenCalledTimes(2);
});
