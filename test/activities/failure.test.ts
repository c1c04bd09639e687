import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { toFailure } from '../../src/activities/failure.ts';

const map = (error: unknown) =>
  new MockActivityEnvironment().run<never[], Error, () => Promise<Error>>(() =>
    Promise.resolve(toFailure(error)),
  );

it.each([undefined, null, 'text', {}, new Error('Ada Example <ada@example.org>\nsecond line of Ada')])(
  'turns any thrown value into a retryable failure that quotes nothing of it: %s',
  async (error) => {
    const failure = await map(error);
    expect(failure).toMatchObject({ type: 'Unexpected', nonRetryable: false });
    expect([failure.message, failure.stack, failure.cause].join('\n')).not.toMatch(/Ada|ada@/);
  },
);

it('keeps the stack of an unexpected error', async () => {
  expect((await map(new TypeError('x'))).stack).toMatch(/failure\.test\.ts/);
});
