/** What Temporal stores of a failure can be read without a key only where it quotes nobody. */
import { createRequire } from 'node:module';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { FailureConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { failureConverterPath } from '../../src/temporal/client.ts';

const { failureConverter } = createRequire(import.meta.url)(failureConverterPath) as {
  failureConverter: FailureConverter;
};
const stored = (error: Error) => failureConverter.errorToFailure(error, defaultPayloadConverter);
const failure = (type: string, message: string) => ApplicationFailure.create({ type, message });

it.each(['SendGridUnavailable', 'SendGridUnavailable 503', 'PayPalRejected 422 ORDER_NOT_APPROVED'])(
  'shows the message of a failure that the worker made, and encodes its stack: %s',
  (message) => {
    const told = stored(failure(message.split(' ')[0] ?? '', message));
    expect(told).toMatchObject({ message, stackTrace: '' });
    expect(told.encodedAttributes?.data?.length).toBeGreaterThan(0);
  },
);

it.each([
  ['of an error', new Error('cannot read Ada Example')],
  ['of a failure with another text', failure('Unexpected', 'Unexpected Ada Example')],
  ['of a failure of another type', failure('Ada', 'Unexpected TypeError')],
])('encodes message and stack %s', (_what, error) => {
  expect(stored(error)).toMatchObject({ message: 'Encoded failure', stackTrace: '' });
});
