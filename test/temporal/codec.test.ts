/** Temporal stores no readable personal data, and every payload can be decrypted with its key. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readKeys } from '../../src/encryption-keys.ts';
import { createCodec } from '../../src/temporal/codec.ts';
import { workflowId, type Order, type Progress } from '../../src/registration.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, texts, type Stack } from '../stack.ts';

const { Payload: Message } = proto.temporal.api.common.v1;
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
    expect(Buffer.from(fresh?.metadata?.['key-id'] ?? []).toString()).toBe('2026');
    const [unreadable] = await createCodec(keysOf(newer)).decode(encoded);
    expect(() => value(unreadable)).toThrow('Unknown encoding: refused/unknown-key');
  });

  it('cannot be read when any part of it was changed, cut off or exchanged', async () => {
    const key = aKey();
    const codec = createCodec(keysOf(`one:${key},two:${key}`));
    const [encoded] = await codec.encode([payload(SECRET)]);
    const [whole, metadata] = [Buffer.from(encoded?.data ?? []), encoded?.metadata ?? {}];
    const changedAt = (position: number) => {
      const data = Buffer.from(whole);
      data[position] = (data[position] ?? 0) ^ 1;
      return { metadata, data };
    };
    const forged = [
      ...[0, 16, 40, whole.length - 1].map(changedAt),
      ...[0, 15, 30, whole.length - 1].map((length) => ({ metadata, data: whole.subarray(0, length) })),
      { metadata, data: null },
      { metadata: { ...metadata, encoding: Buffer.from('binary/sealed') }, data: whole },
      {
        metadata: {
          encoding: Buffer.from('binary/encrypted-deflate'),
          'encryption-key-id': Buffer.from('one'),
        },
        data: whole,
      },
      { metadata: { ...metadata, 'key-id': Buffer.from('two') }, data: whole },
    ];
    for (const read of await codec.decode(forged))
      expect(() => value(read)).toThrow('Unknown encoding: refused/not-authentic');
  });

  it('cannot be read in another run, another namespace or another activity', async () => {
    const codec = createCodec(keysOf(aKey()));
    const run = { type: 'workflow', namespace: 'default', workflowId: 'registration-1' } as const;
    const activity = { ...run, type: 'activity', activityId: '1', isLocal: false } as const;
    for (const owner of [run, activity]) {
      const encoded = await codec.encode([payload('Ada')], owner);
      expect((await codec.decode(encoded, owner)).map(value)).toEqual(['Ada']);
      // The Web UI does not say what it reads.
      expect((await codec.decode(encoded)).map(value)).toEqual(['Ada']);
      for (const other of [
        { ...owner, namespace: 'other' },
        { ...owner, workflowId: 'registration-2' },
        { ...activity, activityId: '2' },
        owner === run ? activity : run,
      ])
        for (const read of await codec.decode(encoded, other))
          expect(() => value(read)).toThrow('Unknown encoding: refused/of-another-run');
    }
  });

  it('that an organizer encrypts in the Web UI is read by runs, and by no activity', async () => {
    const codec = createCodec(keysOf(aKey()));
    const owner = { namespace: 'default', workflowId: 'registration-1' };
    const encoded = await codec.encode([payload('Ada')]);
    expect((await codec.decode(encoded, { type: 'workflow', ...owner })).map(value)).toEqual(['Ada']);
    const [read] = await codec.decode(encoded, {
      type: 'activity',
      ...owner,
      activityId: '1',
      isLocal: false,
    });
    expect(() => value(read)).toThrow('Unknown encoding: refused/of-another-run');
  });

  it('that is not encrypted is read only while the service says so', async () => {
    const keys = keysOf(aKey());
    for (const plain of [payload('plain'), payload(null), payload(undefined), { data: Buffer.from('x') }]) {
      const [read] = await createCodec(keys).decode([plain]);
      expect(() => value(read)).toThrow('Unknown encoding: refused/not-encrypted');
      expect(await createCodec(keys, { acceptPlain: true }).decode([plain])).toEqual([plain]);
    }
  });

  it.each([
    ['short', 'Ada', false],
    ['compressed', SECRET, true],
  ])('of an earlier release that is %s can be read in any run', async (_what, original, compressed) => {
    const [key] = keysOf(aKey());
    if (!key) throw new Error('There is no key');
    const plain = Message.encode(payload(original)).finish();
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.key, iv);
    const sealed = [iv, cipher.update(compressed ? deflateRawSync(plain) : plain), cipher.final()];
    const encoding = compressed ? 'binary/encrypted-deflate' : 'binary/encrypted';
    const stored = {
      metadata: { encoding: Buffer.from(encoding), 'encryption-key-id': Buffer.from(key.id) },
      data: Buffer.concat([...sealed, cipher.getAuthTag()]),
    };
    const run = { type: 'workflow', namespace: 'default', workflowId: 'registration-1' } as const;
    expect((await createCodec([key]).decode([stored], run)).map(value)).toEqual([original]);
    stored.data[14] = (stored.data[14] ?? 0) ^ 1;
    const [read] = await createCodec([key]).decode([stored], run);
    expect(() => value(read)).toThrow('Unknown encoding: refused/not-authentic');
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
    expect(failure).toMatchObject({
      message: expect.stringMatching(/do anything\. \(SendGridUnavailable 503\)$/) as string,
      stackTrace: '',
    });
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
