/** The descriptions of events, which organizers write in Markdown (CommonMark). No HTML, no pictures, and links that lead to the web. */
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: false, linkify: true }).disable('image');
// The default refuses scripts. Nothing but these is any use in a description.
markdown.validateLink = (url) => /^(https?:\/\/|mailto:)/i.test(url.trim());

// The name of the event is the heading of the page, so that the headings of the text begin one level below it, without a gap.
markdown.core.ruler.push('headings', ({ tokens }) => {
  let seen = false;
  for (const token of tokens) {
    if (token.type === 'heading_open') token.tag = seen && Number(token.tag.slice(1)) > 2 ? 'h3' : 'h2';
    if (token.type === 'heading_open' && token.tag === 'h2') seen = true;
  }
  for (const [i, token] of tokens.entries())
    if (token.type === 'heading_close') token.tag = tokens[i - 2]?.tag ?? 'h2';
});
markdown.renderer.rules.link_open = (tokens, i, options, _env, self) => {
  tokens[i]?.attrSet('rel', 'noopener nofollow');
  return self.renderToken(tokens, i, options);
};

/** The last few texts that were rendered: a rush for one event asks for the same one again and again. */
const rendered = new Map<string, string>();
const KEPT = 20;

/** A description as HTML. */
export function toHtml(text: string): string {
  const known = rendered.get(text);
  if (known !== undefined) return known;
  const html = markdown.render(text);
  if (rendered.size >= KEPT) rendered.clear();
  rendered.set(text, html);
  return html;
}

/** Characters of a preview. */
const LONGEST_PREVIEW = 300;

/** The first paragraph of a description as plain text, for previews of links; undefined when there is none. */
export function firstParagraph(text: string): string | undefined {
  const tokens = markdown.parse(text, {});
  const start = tokens.findIndex(({ type, level }) => type === 'paragraph_open' && level === 0);
  const inline = tokens[start + 1]?.children ?? [];
  const plain = inline
    .map(({ type, content }) => (type === 'softbreak' || type === 'hardbreak' ? ' ' : content))
    .join('')
    .trim();
  if (start < 0 || plain === '') return undefined;
  const letters = Array.from(plain);
  return letters.length > LONGEST_PREVIEW ? `${letters.slice(0, LONGEST_PREVIEW - 1).join('')}…` : plain;
}
