/** One mail for a person: the page about it, its HTML part as a mail program would show it, and its files. */
import type { FastifyInstance } from 'fastify';
import type { StoredMap } from '../vendors/journal.ts';
import type { Attachment, Mail } from '../vendors/sendgrid/api.ts';

/** What may stand inside a mail as an image; SVG cannot run anything where it is an image. */
const IMAGE = /^image\/(png|jpeg|gif|webp|svg\+xml)$/;

const dataUri = ({ type, content }: Attachment) => `data:${type};base64,${content}`;

/** The HTML part with its inline images in place of their content ids, and its links leading out of the frame. */
export function shownHtml({ html, attachments }: Mail): string {
  return html
    .replaceAll(/(["'(])cid:([^"')\s]+)/gi, (reference, before: string, id: string) => {
      const image = attachments.find(({ contentId, type }) => contentId === decoded(id) && IMAGE.test(type));
      return image ? before + dataUri(image) : reference;
    })
    .replace(/<head\b[^>]*>/i, '$&<base target="_blank">');
}

/** A content id in an address is percent-encoded (RFC 2392); one that is not well encoded is taken as it is. */
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
    // A mail is somebody's text: it may show itself and open its links elsewhere, and do nothing more.
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
