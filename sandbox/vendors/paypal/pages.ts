/** The pages that PayPal shows in frames and windows of its own origin. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { languageOf, TEXTS } from './texts.ts';

/** The scripts and templates of these pages. */
export const folder = fileURLToPath(new URL('browser', import.meta.url));
const eta = new Eta({ views: folder });

/** What the SDK tells every page it opens: its session, the origin of the shop to answer, and the locale. */
export const Opened = Type.Object({
  session: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  merchant: Type.String({ pattern: '^https?://[^/?#]{1,255}$' }),
  locale: Type.Optional(Type.String({ maxLength: 35 })),
});

/** Scripts and styles of this origin only, none of them inline; requests to nobody else. */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; base-uri 'none'";

/** Shows a page, in the language of the locale: what it is given, and `language` and the `texts` in it. */
export function sendPage(
  reply: FastifyReply,
  template: string,
  { locale, ...data }: { locale?: string | undefined } & Record<string, unknown>,
) {
  const language = languageOf(locale);
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('content-security-policy', POLICY)
    .send(eta.render(template, { ...data, locale, language, texts: TEXTS[language] }));
}
