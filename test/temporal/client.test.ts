import type { Client } from '@temporalio/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sharedProbe } from '../../src/temporal/client.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** As much of a client as a probe needs. */
const clientThat = (describeNamespace: () => Promise<unknown>) =>
  ({
    options: { namespace: 'default' },
    connection: {
      withDeadline: (_deadline: number, call: () => unknown) => call(),
      workflowService: { describeNamespace },
    },
  }) as unknown as Client;

it('a probe that succeeded stands for the requests of a moment', async () => {
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

it('a probe that failed is not believed by the next', async () => {
  const asked = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Error('away'))
    .mockResolvedValue(undefined);
  const probe = sharedProbe(clientThat(asked));
  await expect(probe()).rejects.toThrow('away');
  await probe();
  expect(asked).toHaveBeenCalledTimes(2);
});
