/** Providers that ignore dots in the names of mailboxes (Google, "Dots don't matter in Gmail addresses"). */
const WITHOUT_DOTS = ['gmail.com', 'googlemail.com'];

/**
 * The mailbox that an e-mail address most likely leads to, for limits: without case, without what follows a plus sign, and
 * without dots where the provider ignores them. Mail is never sent to it.
 */
export function mailboxOf(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1).toLowerCase();
  const [name = ''] = email.slice(0, at).toLowerCase().split('+');
  return WITHOUT_DOTS.includes(domain) ? `${name.replaceAll('.', '')}@gmail.com` : `${name}@${domain}`;
}
