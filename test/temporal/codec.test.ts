/** Temporal stores no readable personal data, and every payload can be decrypted with its key. */
import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readKeys } from '../../src/encryption-keys.ts';
import { createCodec } from '../../src/temporal/codec.ts';
import { workflowId, type Order, type Progress } from '../../src/registration.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, texts, type Stack } from '../stack.ts';

const aKey = () => randomBytes(32).toString('base64');
const keysOf = (setting: string) => {
  const read = readKeys(setting);
  if (read.status === 'faulty') throw new Error(read.fault);
  return read.keys;
};
const payload = (value: unknown) => defaultPayloadConverter.toPayload(value);
const value = (read: Payload | undefined) => read && defaultPayloadConverter.fromPayload<string>(read);
const SECRET = { name: 'Ada Example', address: 'Street 2, 20457 Hamburg', notes: 'x'.repeat(300) };

describe('a payload', () => {
  it.each([
    ['short', 'Ada'],
    ['long', SECRET],
    ['null', null],
  ])('that is %s is unreadable while encrypted, and decrypts to the original', async (_what, original) => {
    const codec = createCodec(keysOf(aKey()));
    const [encoded] = await codec.encode([payload(original)]);
    expect(Buffer.from(encoded?.data ?? []).toString('latin1')).not.toMatch(/Ada|Street|json/);
    const [decoded] = await codec.decode(encoded ? [encoded] : []);
    expect(value(decoded)).toEqual(original);
  });

  it('never encrypts to the same bytes twice', async () => {
    const codec = createCodec(keysOf(aKey()));
    const [first, second] = await codec.encode([payload('Ada'), payload('Ada')]);
    expect(Buffer.from(first?.data ?? []).equals(Buffer.from(second?.data ?? []))).toBe(false);
  });

  it('can be decrypted while its key is listed at any position, and not after the key is removed', async () => {
    const [older, newer] = [aKey(), aKey()];
    const encoded = await createCodec(keysOf(older)).encode([payload(SECRET)]);
    const rotated = createCodec(keysOf(`2026:${newer},${older}`));
    expect((await rotated.decode(encoded)).map(value)).toEqual([SECRET]);
    const [fresh] = await rotated.encode([payload(SECRET)]);
    expect(Buffer.from(fresh?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('2026');
    await expect(createCodec(keysOf(newer)).decode(encoded)).rejects.toThrow(/There is no key "[0-9a-f]{8}"/);
  });

  it('is rejected when it was tampered with, and is read when it was stored before encryption', async () => {
    const codec = createCodec(keysOf(aKey()));
    const [encoded] = await codec.encode([payload(SECRET)]);
    const data = Buffer.from(encoded?.data ?? []);
    data[20] = (data[20] ?? 0) ^ 1;
    await expect(codec.decode([{ ...encoded, data }])).rejects.toThrow();
    expect((await codec.decode([payload('plain')])).map(value)).toEqual(['plain']);
  });
});

describe('the history of a registration', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    await stack.startWorker();
  });
  afterAll(() => stack.stop());

  it('shows no personal data without the key, whether in arguments, results, failures or answers', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 400, times: 1 });
    const ada = anAttendee(stack);
    // The first card is declined, so the update for the second card carries the order as well.
    await ada.register('4000000000000002');
    await ada.register();
    const { connection } = stack.temporal;
    const stranger = new Client({ connection }).workflow.getHandle(workflowId(ada.id));
    // The failure of a mail that is tried again is part of the description, and not of the history.
    const failure = await vi.waitUntil(
      async () =>
        (await stranger.describe()).raw.pendingActivities?.find(
          ({ activityType, lastFailure }) => activityType?.name === 'sendConfirmation' && lastFailure,
        )?.lastFailure,
      { timeout: 10_000 },
    );
    expect(failure).toMatchObject({ message: 'SendGridUnavailable 503', stackTrace: '' });
    expect(PERSON.exec(texts((await stranger.describe()).raw).join('\n'))?.[0]).toBeUndefined();
    stack.sandbox.faults.clear();
    const handle = stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(ada.id));
    expect((await handle.result()).status).toBe('confirmed');

    const history = texts(await stranger.fetchHistory()).join('\n');
    expect(history).toContain('registration');
    expect(PERSON.exec(history)?.[0]).toBeUndefined();
    const [first] = (await handle.fetchHistory()).events ?? [];
    const input = first?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const [decoded] = await createCodec(stack.config.encryptionKeys).decode(input);
    expect((value(decoded) as unknown as Order).attendee).toEqual(aForm().attendee);
  });
});

/** Matches the personal data of the registration above. */
const PERSON = /ada@|Example|example\.org|Street|Hamburg|20457/;
