import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLanguage } from '../messages.ts';
import { LANGUAGES, type Language } from '../registration.ts';

/** Keeps the language that somebody chose on a page; it serves nothing else, so it needs no consent. */
export const LANGUAGE_COOKIE = 'lang';

/** The language to answer in: asked for in the address (`?lang=`), chosen before (cookie), or the browser's. */
export function languageOf(request: FastifyRequest): Language {
  const { lang } = request.query as { lang?: unknown };
  // There are no cookies yet where a request is refused before anybody has read them.
  const { [LANGUAGE_COOKIE]: chosen } = (request.cookies as FastifyRequest['cookies'] | undefined) ?? {};
  const accepted: unknown = request.language([...LANGUAGES]);
  return [lang, chosen, accepted].find(isLanguage) ?? LANGUAGES[0];
}

/** Says in which language an answer is, and what that depends on. */
export function sayLanguage(reply: FastifyReply, language: Language): void {
  void reply.headers({ 'content-language': language, vary: 'accept-language, cookie' });
}
