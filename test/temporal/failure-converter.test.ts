/** What Temporal stores of a failure can be read without a key only where it quotes nobody. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { FailureConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { isMessage, message } from '../../src/messages/index.ts';
import { failureConverterPath } from '../../src/temporal/client.ts';

const { failureConverter } = createRequire(import.meta.url)(failureConverterPath) as {
  failureConverter: FailureConverter;
};
const stored = (error: Error) => failureConverter.errorToFailure(error, defaultPayloadConverter);
const failure = (type: string, message: string) => ApplicationFailure.create({ type, message });

/** The encoded part, which the Web UI shows to whoever has the key. */
const encoded = (told: ReturnType<typeof stored>) =>
  defaultPayloadConverter.fromPayload<{ message: string }>(told.encodedAttributes ?? {});

it.each([
  ['SendGridAuth', { word: undefined }],
  ['SendGridAuth 401', { word: undefined }],
  ['SendGridRejected 400 personalizations', { word: 'personalizations' }],
  ['PayPalRejected 422 ORDER_NOT_APPROVED', { word: 'ORDER_NOT_APPROVED' }],
  ['NobodyKnowsThis ECONNRESET', { word: 'ECONNRESET' }],
])(
  'says what a failure of the worker means as the desk does, and encodes its stack: %s',
  (facts, { word = '' }) => {
    const [type = ''] = facts.split(' ');
    const key = `organizer.failure.${type}`;
    const sentence = message('en', isMessage(key) ? key : 'organizer.failure', { type, word }).replace(
      ' ()',
      '',
    );
    const told = stored(failure(type, facts));
    expect(told).toMatchObject({ message: `${sentence} (${facts})`, stackTrace: '' });
    expect(encoded(told).message).toBe(told.message);
    // A run that fails with it passes it on.
    const passedOn = failureConverter.failureToError(told, defaultPayloadConverter);
    expect(stored(failure(type, passedOn.message)).message).toBe(told.message);
  },
);

it.each(
  ['en', 'de'].flatMap((language) =>
    Object.entries(
      JSON.parse(readFileSync(`src/messages/organizer/${language}.json`, 'utf8')) as Record<string, string>,
    ).filter(([key]) => key.startsWith('organizer.failure')),
  ),
)('%s has no other placeholders than the converter fills in', (_key, text) => {
  expect(text.replaceAll('{type}', '').replaceAll(' ({word})', '')).not.toMatch(/[{}']/);
});

it('each failure of the activities and of the vendors is explained', () => {
  const sources = readdirSync('src/activities').map((file) => readFileSync(`src/activities/${file}`, 'utf8'));
  const own = sources.flatMap((source) =>
    [...source.matchAll(/type: '([A-Z]\w+)'/g)].map(([, type]) => type),
  );
  expect(own).toEqual(expect.arrayContaining(['NoTicket', 'RefundPending', 'DatabaseUnavailable']));
  const vendors = ['PayPal', 'SendGrid', 'Mailchimp'].flatMap((vendor) =>
    ['Unavailable', 'Auth', 'Rejected'].map((meaning) => `${vendor}${meaning}`),
  );
  const unexplained = [
    ...own,
    ...vendors,
    'MailchimpInvalidEmail',
    'MailchimpOptOut',
    'MailchimpSignupLimit',
  ].filter((type) => !isMessage(`organizer.failure.${type}`));
  expect(unexplained).toEqual([]);
});

it.each([
  ['of an error', new Error('cannot read Ada Example')],
  ['of a failure with another text', failure('Unexpected', 'Unexpected Ada Example')],
  ['of a failure with another text before its facts', failure('NoTicket', 'Ada Example (NoTicket)')],
  ['of a failure of another type', failure('Ada', 'Unexpected TypeError')],
])('encodes message and stack %s', (_what, error) => {
  expect(stored(error)).toMatchObject({ message: 'Encoded failure', stackTrace: '' });
});
