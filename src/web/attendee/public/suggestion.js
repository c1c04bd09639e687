// Finds likely typing mistakes in email addresses.

const DOMAINS =
  `gmail.com googlemail.com yahoo.com yahoo.de ymail.com outlook.com outlook.de hotmail.com hotmail.de live.com
icloud.com me.com aol.com mail.com msn.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de posteo.de
mailbox.org protonmail.com proton.me`.split(/\s+/);

/** The edit distance of two texts: changed, added, removed or swapped neighbouring letters. */
function distance(a, b) {
  const rows = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}

/** The address that the person probably meant, or undefined if the address looks correct. */
export function suggestion(email) {
  const [name, domain = ''] = email.toLowerCase().split('@');
  if (!name || !domain || DOMAINS.includes(domain)) return undefined;
  // Short domains differ by few letters from each other, so fewer typos are allowed for them.
  const near = DOMAINS.map((known) => [known, distance(domain, known)])
    .filter(([known, slips]) => slips <= (known.length < 9 ? 1 : 2))
    .sort(([, a], [, b]) => a - b)[0]?.[0];
  const meant = near ?? domain.replace(/\.(con|cmo|ocm|vom|comm)$/, '.com');
  return meant === domain ? undefined : `${email.slice(0, email.indexOf('@'))}@${meant}`;
}
