/** Limits that all api processes count together in the database. Where it does not answer, each counts for itself until it does. */
import { createHmac, hkdfSync } from 'node:crypto';
import { answerWithin } from '../database/connection.ts';
import { countRate, type Counted, type CountedRate, type Rate } from '../database/rate-limits.ts';
import { wordFor } from '../trace.ts';
import type { App, Dependencies } from './dependencies.ts';

/** Longer than this nobody waits for a count, and for so long nobody asks again, except one request. */
const TIMES = { answerMs: 300, pauseMs: 10_000 };

/** Each function answers undefined where the database does not answer in time. */
export type SharedLimit = {
  [Name in keyof CountedRate]: (
    ...args: Parameters<CountedRate[Name]>
  ) => Promise<Awaited<ReturnType<CountedRate[Name]>> | undefined>;
};

declare module 'fastify' {
  interface FastifyInstance {
    /** A limit for all processes. Each name counts for itself. */
    createSharedLimit: (name: string, rate: Rate) => SharedLimit;
  }
}

/** Adds `createSharedLimit` to the app. */
export function shareLimits(app: App, { config, database }: Dependencies): void {
  const keyed = createKeyedHash(config.paypal.clientSecret);
  let isAway = false;
  let askAgainAt = 0;

  async function ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (isAway && Date.now() < askAgainAt) return undefined;
    const isTrial = isAway;
    askAgainAt = Date.now() + TIMES.pauseMs;
    let reason = 'late';
    const asked = question().catch((error: unknown) => {
      reason = wordFor(error);
      throw error;
    });
    const answer = await answerWithin(
      TIMES.answerMs,
      asked.then((value) => ({ value })),
      undefined,
    );
    if (!answer && !isAway) {
      isAway = true;
      app.log.warn({ reason }, 'limits: each api process counts for itself');
    }
    if (answer && isTrial) {
      isAway = false;
      app.log.info('limits: all api processes count together again');
    }
    return answer?.value;
  }

  app.decorate('createSharedLimit', (name: string, rate: Rate): SharedLimit => {
    const limit = countRate(database, name, rate);
    return {
      add: (key, times) => ask(() => limit.add(keyed(key), times)),
      look: (key) => ask(() => limit.look(keyed(key))),
      block: (key, ms) => ask(() => limit.block(keyed(key), ms)),
    };
  });
}

/**
 * A hash that can be neither read nor tried out by somebody who has only the database: its key follows from a secret that all
 * api processes have (HKDF, RFC 5869).
 */
function createKeyedHash(secret: string): (text: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'rate limits', 32));
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
}

/** Whether a shared limit is exceeded, as far as the database has answered. */
export const isOver = (counted: Counted | undefined): counted is Counted => counted?.isExceeded === true;
