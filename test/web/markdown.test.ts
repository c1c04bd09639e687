/** Descriptions of events: what organizers write, and what must never come of it. */
import { expect, it } from 'vitest';
import { firstParagraph, toHtml } from '../../src/web/markdown.ts';

it('shows paragraphs, lists, emphasis and links', () => {
  expect(toHtml('Two *days*.\n\n- one\n- **two**\n\n[Hall](https://example.org/hall)')).toBe(
    '<p>Two <em>days</em>.</p>\n<ul>\n<li>one</li>\n<li><strong>two</strong></li>\n</ul>\n' +
      '<p><a href="https://example.org/hall" rel="noopener nofollow">Hall</a></p>\n',
  );
  expect(toHtml('See https://example.org.')).toContain(
    '<a href="https://example.org" rel="noopener nofollow">',
  );
});

it('begins headings one level below the name of the event, and leaves no level out', () => {
  expect(toHtml('### A\n\n# B\n\n#### C').match(/<\/?h\d>/g)).toEqual([
    ...['<h2>', '</h2>', '<h2>', '</h2>', '<h3>', '</h3>'],
  ]);
});

it.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<b onclick="x">b</b>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](java\nscript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:x)',
  '[x](//evil.example)',
  '[x](/organizer/sign-out)',
  '![x](https://evil.example/x.png)',
  '![x](data:image/png;base64,xx)',
  '[x]: javascript:alert(1)\n\n[x]',
  '<javascript:alert(1)>',
  '<https://example.org/"onmouseover="alert(1)>',
  '[x](https://example.org/"onmouseover="alert(1))',
  '```<script>\n<script>\n```',
])('%s makes no script, picture or link to anywhere but the web', (text) => {
  const html = toHtml(text);
  expect(html).not.toMatch(/<(script|img|b)\b/i);
  for (const [, attributes = ''] of html.matchAll(/<\w+([^>]*)>/g))
    expect(attributes).toMatch(
      /^$|^ class="[^"]*"$|^ href="(https?:\/\/|mailto:)[^"]*" rel="noopener nofollow"$/,
    );
});

it('previews the first paragraph as plain text', () => {
  expect(firstParagraph('# Title\n\nTwo *days*\nof [talks](https://example.org) & `code`.\n\nMore.')).toBe(
    'Two days of talks & code.',
  );
  expect(firstParagraph('')).toBeUndefined();
  expect(firstParagraph('- a list')).toBeUndefined();
  expect(firstParagraph('x'.repeat(1000))).toHaveLength(300);
});

it('takes time in proportion to the text, however hostile', () => {
  for (const part of ['[', '*', '`', '> ', '![', '_a', '<', '&', '\\', '- ', '(', 'http://']) {
    const start = performance.now();
    toHtml(part.repeat(10_000 / part.length));
    expect(performance.now() - start, part).toBeLessThan(1000);
  }
});
