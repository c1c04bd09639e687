/** The pages about an email: its details, its HTML part as a mail client displays it, and its attachments. */
import type { FastifyInstance } from 'fastify';
import type { StoredMap } from '../vendors/journal.ts';
import type { Attachment, Mail } from '../vendors/sendgrid/api.ts';

/** Image types that may be inlined. SVG is safe because scripts do not run in images. */
const IMAGE = /^image\/(png|jpeg|gif|webp|svg\+xml)$/;

const dataUri = ({ type, content }: Attachment) => `data:${type};base64,${content}`;

/** Returns the HTML part with its inline images embedded, and with links that open outside the frame. */
export function shownHtml({ html, attachments }: Mail): string {
  return html
    .replaceAll(/(["'(])cid:([^"')\s]+)/gi, (reference, before: string, id: string) => {
      const image = attachments.find(({ contentId, type }) => contentId === decoded(id) && IMAGE.test(type));
      return image ? before + dataUri(image) : reference;
    })
    .replace(/<head\b[^>]*>/i, '$&<base target="_blank">');
}

/** Decodes a percent-encoded content id (RFC 2392). An invalid encoding is returned unchanged. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export function mailRoutes(
  app: FastifyInstance,
  mails: StoredMap<Mail>,
  page: (mail: Mail | undefined) => string,
): void {
  const html = 'text/html; charset=utf-8';
  app.get<{ Params: { id: string } }>('/mails/:id', ({ params }, reply) => {
    const mail = mails.get(params.id);
    return reply
      .code(mail ? 200 : 404)
      .type(html)
      .send(page(mail));
  });
  app.get<{ Params: { id: string } }>('/mails/:id/html', ({ params }, reply) => {
    const mail = mails.get(params.id);
    // Emails are untrusted: they may only be displayed and open links in other windows.
    return reply
      .type(html)
      .header(
        'content-security-policy',
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      )
      .send(mail ? shownHtml(mail) : '');
  });
  app.get<{ Params: { id: string; file: string } }>('/mails/:id/attachments/:file', ({ params }, reply) => {
    const attachment = mails.get(params.id)?.attachments[Number(params.file)];
    if (!attachment) return reply.code(404).send();
    return reply
      .type('application/octet-stream')
      .header(
        'content-disposition',
        `attachment; filename="${attachment.filename.replaceAll(/[^\w.-]/g, '_')}"`,
      )
      .send(Buffer.from(attachment.content, 'base64'));
  });
}
