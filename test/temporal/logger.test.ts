/** What Temporal's SDK logs of an error: what the worker made of it, or only where it was thrown. */
import { ApplicationFailure } from '@temporalio/common';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { sdkLogger } from '../../src/temporal/logger.ts';

/** Logs an error as the SDK does, and returns the entry. */
function logged(error: unknown): Record<string, unknown> {
  const lines: string[] = [];
  const logger = sdkLogger(pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }));
  logger.warn('Activity failed', { attempt: 2, error });
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}

it('type and message of a failure that the worker made', () => {
  const failure = ApplicationFailure.create({
    type: 'SendGridUnavailable',
    message: 'SendGridUnavailable 503',
  });
  expect(logged(failure)).toMatchObject({
    msg: 'Activity failed',
    attempt: 2,
    error: { type: 'SendGridUnavailable', message: 'SendGridUnavailable 503' },
  });
});

it('the place of any other error, and nothing that it quotes', () => {
  const entry = logged(new TypeError('cannot read Ada Example'));
  expect(entry).toMatchObject({ error: { type: 'TypeError' } });
  expect(JSON.stringify(entry)).toMatch(/logger\.test\.ts/);
  expect(JSON.stringify(entry)).not.toMatch(/Ada|Example/);
});
