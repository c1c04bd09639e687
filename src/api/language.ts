import accepts from 'accepts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLanguage } from '../messages/index.ts';
import { LANGUAGES, type Language } from '../registration.ts';

/** Keeps the language that a visitor chose on a page. It has no other purpose, so it needs no consent. */
export const LANGUAGE_COOKIE = 'lang';

/** The language to answer in: asked for in the address (`?lang=`), chosen before (cookie), or the browser's. */
export function languageOf(request: FastifyRequest): Language {
  // A request that is refused before it is routed has neither a query nor cookies.
  const { lang } = Object(request.query) as { lang?: unknown };
  const { [LANGUAGE_COOKIE]: chosen } = Object(request.cookies) as FastifyRequest['cookies'];
  const accepted = accepts(request.raw).language([...LANGUAGES]);
  return [lang, chosen, accepted].find(isLanguage) ?? LANGUAGES[0];
}

/** Sets the headers that tell the language of an answer, and what it depends on. */
export function sayLanguage(reply: FastifyReply, language: Language): void {
  void reply.headers({ 'content-language': language, vary: 'accept-language, cookie' });
}
