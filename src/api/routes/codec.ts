/**
 * Lets Temporal's Web UI show organizers what is encrypted (Temporal, remote codec server): it sends payloads here from the
 * organizer's browser. Who may ask here can read everything, so only organizers are answered.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { PayloadCodec } from '@temporalio/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { createCodec } from '../../codec.ts';
import type { Config } from '../../config.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { refuseExceeded } from '../limits.ts';
import { Problem } from '../problem.ts';

/** Wrong passwords a minute from one address. */
const GUESSES = 10;
const BODY_LIMIT = 4 * 1024 * 1024;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?|::ffff:127(\.\d+){3})$/;

/** Payloads in the JSON of Protocol Buffers: bytes are base64. */
const Payloads = Type.Object({
  payloads: Type.Array(
    Type.Object({
      metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
      data: Type.Optional(Type.String()),
    }),
  ),
});

export function codecRoutes(app: App, { config }: Dependencies): void {
  const { encryptionKeys, organizerPassword, temporalUiUrl } = config;
  if (encryptionKeys.length === 0 || !organizerPassword) return;
  const codec = createCodec(encryptionKeys);
  const uiOrigin = temporalUiUrl && new URL(temporalUiUrl).origin;
  const guesses = app.createRateLimit({ max: GUESSES, timeWindow: '1 minute' });

  /** Only pages of the Web UI may read the answers; browsers ask first. */
  function allowWebUi(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    if (!uiOrigin || request.headers.origin !== uiOrigin) {
      done();
      return;
    }
    void reply.headers({
      'access-control-allow-origin': uiOrigin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      'access-control-allow-methods': 'POST',
      // The page comes from another origin, and is meant to read this.
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'origin',
    });
    done();
  }

  async function organizersOnly(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (isOnThisMachine(config, request, uiOrigin)) return;
    const isRight = hasPassword(request, organizerPassword);
    // After too many guesses a right one is refused, too: it might be one more guess.
    refuseExceeded(await guesses(request, { increment: !isRight }));
    if (isRight) return;
    void reply.header('www-authenticate', 'Basic realm="organizers", charset="UTF-8"');
    throw new Problem('organizers-only');
  }

  const schema = { hide: true, body: Payloads, response: { 200: Payloads } } as const;
  const translate =
    (work: PayloadCodec['decode']) =>
    async ({ body }: { body: Type.Static<typeof Payloads> }) => {
      const read = body.payloads.map(({ metadata = {}, data = '' }) => ({
        metadata: mapValues(metadata, (text) => Buffer.from(text, 'base64')),
        data: Buffer.from(data, 'base64'),
      }));
      const done = await work(read).catch(() => {
        throw new Problem('unreadable-payload');
      });
      const payloads = done.map(({ metadata, data }) => ({
        metadata: mapValues(metadata ?? {}, (bytes) => Buffer.from(bytes).toString('base64')),
        data: Buffer.from(data ?? []).toString('base64'),
      }));
      return { payloads };
    };
  const route = { schema, onRequest: [allowWebUi, organizersOnly], bodyLimit: BODY_LIMIT };
  app.post(
    '/codec/decode',
    route,
    translate((payloads) => codec.decode(payloads)),
  );
  app.post(
    '/codec/encode',
    route,
    translate((payloads) => codec.encode(payloads)),
  );
  for (const path of ['/codec/decode', '/codec/encode'])
    app.options(path, { schema: { hide: true }, onRequest: allowWebUi }, (_request, reply) =>
      reply.code(204).send(),
    );
  // A browser asks for the password here, and sends it along with what the Web UI asks from then on.
  app.get('/codec', { schema: { hide: true }, onRequest: organizersOnly }, (_request, reply) =>
    reply.type('text/plain').send('Temporal’s Web UI can read now what is encrypted, in this browser.\n'),
  );
}

const mapValues = <A, B>(record: Record<string, A>, convert: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));

/** HTTP Basic (RFC 7617); the user name does not matter. Compared by hashes, so that no time tells how much was right. */
function hasPassword({ headers }: FastifyRequest, password: string): boolean {
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '') ?? [];
  const given = Buffer.from(encoded, 'base64').toString();
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given.slice(given.indexOf(':') + 1)), hash(password));
}

/**
 * On a machine that serves nobody else (`npm start`) the Web UI needs no password: who is on it can read the key itself.
 * A page of another site that is open in a browser there has another origin, and a proxy would serve another address.
 */
function isOnThisMachine({ host, publicUrl }: Config, { ip, headers }: FastifyRequest, uiOrigin?: string) {
  const isLocal = [host, new URL(publicUrl).hostname, ip].every((name) => LOOPBACK.test(name));
  return (
    isLocal &&
    uiOrigin !== undefined &&
    LOOPBACK.test(new URL(uiOrigin).hostname) &&
    headers.origin === uiOrigin &&
    headers['x-forwarded-for'] === undefined
  );
}
