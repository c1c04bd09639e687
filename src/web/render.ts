/** What all pages share: the layout, the languages, and escaping of everything that is shown. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Speech } from '../messages/index.ts';
import { LANGUAGES, type Language } from '../registration.ts';
import { asset } from './assets.ts';
import type { SiteLink } from './links.ts';

/** What every page knows: its language, its address, and what to link. */
export type Frame = {
  speech: Speech;
  /** Path and query, to come back to in another language. */
  path: string;
  /** The public origin, for previews of links in other places. */
  publicUrl: string;
  /** What the footer links: privacy policy, terms and the like. */
  links: SiteLink[];
};

/** The page's address in another language. */
function inLanguage(path: string, language: Language): string {
  const url = new URL(path, 'http://localhost');
  url.searchParams.set('lang', language);
  return url.pathname + url.search;
}

const nameOf = (language: Language) =>
  new Intl.DisplayNames(language, { type: 'language', fallback: 'none' }).of(language) ?? language;

/** Renders the pages of one audience: `folder` holds their views, and the layout that all of them name. */
export function createRenderer(folder: URL) {
  const eta = new Eta({ views: fileURLToPath(folder), cache: true });
  /** @param scripts modules: the first one is the page's own, the others are what it imports */
  return (view: string, { speech, path, links }: Frame, scripts: string[], data: object): string =>
    eta.render(view, {
      ...speech,
      links,
      seller: null,
      preview: null,
      style: asset('style.css'),
      icon: asset('icon.svg'),
      languages: LANGUAGES.map((language) => ({
        language,
        name: nameOf(language),
        href: inLanguage(path, language),
        current: language === speech.language,
      })),
      ...data,
      scripts: scripts.map(asset),
      // The JSON goes into a data block of the page, and nothing in it may end the block.
      json: (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c'),
    });
}
