/** The 3-D Secure challenge, in a frame over the merchant's page. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { PayPalSandbox } from './api.ts';
import { approveWithCard, type ChallengeAnswer } from './approval.ts';
import type { ReadCard } from './cards.ts';
import { Opened, sendPage } from './pages.ts';
import { languageOf, money, TEXTS } from './texts.ts';

/** Open challenges are kept in memory; a page whose challenge is lost submits the card again. */
export function challengeRoutes(app: FastifyInstance, paypal: PayPalSandbox) {
  const waiting = new Map<string, { orderId: string; card: ReadCard }>();
  const Id = Type.Object({ id: Type.String() });

  app.get<{ Querystring: { id: string; session: string; merchant: string; locale?: string } }>(
    '/sandbox/card/challenge',
    { schema: { querystring: Type.Intersect([Opened, Id]) } },
    ({ query }, reply) => {
      const asked = waiting.get(query.id);
      const language = languageOf(query.locale);
      const intro =
        asked &&
        TEXTS[language].challenge.intro
          .replace('{amount}', money(paypal.order(asked.orderId).unit.amount, language))
          .replace('{digits}', asked.card.facts.last_digits);
      return sendPage(reply.code(asked ? 200 : 404), 'challenge', { ...query, intro });
    },
  );

  app.post<{ Body: { id: string; answer: ChallengeAnswer; locale?: string } }>(
    '/sandbox/card/challenge',
    {
      schema: {
        body: Type.Object({
          id: Type.String(),
          answer: Type.Enum(['confirm', 'refuse', 'cancel']),
          locale: Type.Optional(Type.String()),
        }),
      },
    },
    ({ body: { id, answer, locale } }, reply) => {
      const asked = waiting.get(id);
      waiting.delete(id);
      const message = TEXTS[languageOf(locale)].notApprovable;
      if (!asked) return reply.send({ state: 'failed', data: { message } });
      const { orderId, card } = asked;
      if (answer === 'cancel') return reply.send({ state: 'canceled', data: { orderId } });
      // The order may have been captured from another page in the meantime.
      if (paypal.order(orderId).status === 'COMPLETED')
        return reply.send({ state: 'failed', data: { orderId, message } });
      const liabilityShift = approveWithCard(paypal, orderId, card, answer);
      return reply.send({ state: 'succeeded', data: { orderId, liabilityShift } });
    },
  );

  return {
    /** Opens a challenge. Stores only the card data that PayPal returns. */
    open(orderId: string, card: ReadCard): string {
      const id = randomUUID();
      waiting.set(id, { orderId, card });
      return id;
    },
  };
}
