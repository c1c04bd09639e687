/** The pages that PayPal shows in frames and windows of its own origin. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { languageOf, TEXTS } from './texts.ts';

/** The folder of the scripts and templates. */
export const folder = fileURLToPath(new URL('browser', import.meta.url));
const eta = new Eta({ views: folder });

/** The parameters of every page that the SDK opens: session, origin of the merchant's page, and locale. */
export const Opened = Type.Object({
  session: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  merchant: Type.String({ pattern: '^https?://[^/?#]{1,255}$' }),
  locale: Type.Optional(Type.String({ maxLength: 35 })),
});

/** Allows scripts, styles and requests of this origin only, and nothing inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; base-uri 'none'";

/** Renders a page with the given data, and adds the `language` of the locale and its `texts`. */
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
