/**
 * Lets Temporal's Web UI show organizers what is encrypted (Temporal, remote codec server): it sends payloads here from the
 * organizer's browser.
 */
import type { PayloadCodec } from '@temporalio/common';
import Type from 'typebox';
import type { EncryptionKey } from '../../encryption-keys.ts';
import { createCodec, isRefused } from '../../temporal/codec.ts';
import type { App } from '../dependencies.ts';
import { Problem } from '../problem.ts';

const BODY_LIMIT = 4 * 1024 * 1024;

/** Payloads in the JSON of Protocol Buffers: bytes are base64. */
const Payloads = Type.Object({
  payloads: Type.Array(
    Type.Object({
      metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
      data: Type.Optional(Type.String()),
    }),
  ),
});

export function codecRoutes(app: App, encryptionKeys: EncryptionKey[]): void {
  // The Web UI also shows what was never encrypted. What is shown here is believed by nobody but its reader.
  const codec = createCodec(encryptionKeys, { acceptPlain: true });
  const schema = { hide: true, body: Payloads, response: { 200: Payloads } } as const;
  const hidden = { schema: { hide: true } } as const;

  for (const work of ['decode', 'encode'] as const) {
    app.post(`/codec/${work}`, { schema, bodyLimit: BODY_LIMIT }, ({ body }) =>
      translate(body, (payloads) => codec[work](payloads)),
    );
    app.options(`/codec/${work}`, hidden, (_request, reply) => reply.code(204).send());
  }
  // A browser asks for the password here, and sends it from then on with each request of the Web UI.
  app.get('/codec', hidden, (_request, reply) =>
    reply.type('text/plain').send('Temporal’s Web UI can now show in this browser what is encrypted.\n'),
  );
}

async function translate(
  { payloads }: Type.Static<typeof Payloads>,
  work: PayloadCodec['decode'],
): Promise<Type.Static<typeof Payloads>> {
  const read = payloads.map(({ metadata = {}, data = '' }) => ({
    metadata: mapValues(metadata, (text) => Buffer.from(text, 'base64')),
    data: Buffer.from(data, 'base64'),
  }));
  const done = await work(read);
  if (done.some(isRefused)) throw new Problem('unreadable-payload');
  return {
    payloads: done.map(({ metadata, data }) => ({
      metadata: mapValues(metadata ?? {}, (bytes) => Buffer.from(bytes).toString('base64')),
      data: Buffer.from(data ?? []).toString('base64'),
    })),
  };
}

const mapValues = <A, B>(record: Record<string, A>, convert: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
