import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { isLanguage, speak } from '../messages/index.ts';
import { siteLinks } from '../web/links.ts';
import type { Frame } from '../web/render.ts';
import { LANGUAGE_COOKIE, languageOf, sayLanguage } from './language.ts';

const YEAR_S = 365 * 24 * 3600;

/** What every page shares. A language that the visitor chose is kept in a cookie. */
export function frameOf(request: FastifyRequest, reply: FastifyReply, config: Config): Frame {
  const { publicUrl } = config;
  const language = languageOf(request);
  const speech = speak(language);
  const { lang } = Object(request.query) as { lang?: unknown };
  if (isLanguage(lang))
    void reply.setCookie(LANGUAGE_COOKIE, lang, {
      ...{ path: '/', maxAge: YEAR_S, sameSite: 'lax', httpOnly: true },
      secure: publicUrl.startsWith('https:'),
    });
  sayLanguage(reply.type('text/html; charset=utf-8'), language);
  return { speech, path: request.url, publicUrl, links: siteLinks(config, speech) };
}
