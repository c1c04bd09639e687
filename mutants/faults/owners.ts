import type { Fault } from '../fault.ts';

const hold = 'src/database/seats/hold.ts';
const owner = 'src/database/seats/owner.ts';
const asked = 'src/api/attendee/owner.ts';
const limits = 'migrations/20261126000000_checkout_owners.ts';
const waiting = 'src/workflows/email-address.ts';
const takeover = 'test/security/takeover.test.ts';
const hoarding = 'test/security/hoarding.test.ts';
const madeUp = 'test/security/made-up-addresses.test.ts';
const address = 'test/workflows/email-address.test.ts';

/** Whose a hold is, what one owner may take, and addresses that are confirmed. */
export const OWNERS: Fault[] = [
  {
    name: 'owners: everybody may change a hold',
    file: hold,
    find: `if (existing && !isOwner(existing, owner)) return { status: 'not-owner' };`,
    replace: '',
    caughtBy: { [takeover]: 'neither prolong nor move' },
  },
  {
    name: 'owners: a wrong secret is as good as the right one',
    file: owner,
    find: 'hold.secret_hash === secretHash',
    replace: 'secretHash !== undefined',
    caughtBy: { [takeover]: 'neither prolong nor move' },
  },
  {
    name: 'owners: another e-mail address may pay',
    file: 'src/api/attendee/registrations.ts',
    find: 'if (hold?.emailHash && hold.emailHash !== emailHashOf(id, form.attendee.email)) throw notOwner();',
    replace: '',
    caughtBy: { [takeover]: 'other form data' },
  },
  {
    name: 'owners: the secret is stored as it is',
    file: asked,
    find: 'secretHash: hash(secret)',
    replace: 'secretHash: secret',
    caughtBy: { [takeover]: 'stores neither' },
  },
  {
    name: 'owners: the e-mail address is stored as it is',
    file: asked,
    find: 'emailHash: emailHashOf(id, email)',
    replace: 'emailHash: email',
    caughtBy: { [takeover]: 'stores neither' },
  },
  {
    name: 'owners: a secret that nobody was told stays',
    file: 'src/api/attendee/checkouts.ts',
    find: 'if (outcome.secretTaken && !given) await forgetSecret(database, id, owner.secretHash);',
    replace: '',
    caughtBy: { [takeover]: 'second request when PayPal was away' },
  },
  {
    name: 'owners: the link that was mailed to one address confirms another',
    file: hold,
    find: `{ confirmation_token: trx.raw('gen_random_uuid()') }`,
    replace: '{}',
    caughtBy: { [takeover]: 'link of its own' },
  },
  {
    name: 'limits: a hold can be renewed for ever',
    file: hold,
    find: 'const LONGEST_MINUTES = 60',
    replace: 'const LONGEST_MINUTES = 6000',
    caughtBy: { [hoarding]: 'ends an hour' },
  },
  {
    name: 'limits: a registration has any number of PayPal orders',
    file: hold,
    find: 'const MOST_PAYPAL_ORDERS = 10',
    replace: 'const MOST_PAYPAL_ORDERS = 12',
    caughtBy: { [hoarding]: 'declined again and again' },
  },
  {
    name: 'limits: the number of live holds of an address is not limited',
    file: limits,
    find: `held.by_address >= (owner->>'holdsPerAddress')::integer`,
    replace: 'false',
    caughtBy: { [hoarding]: 'a class of thirty' },
  },
  {
    name: 'limits: the number of live holds of a person is not limited',
    file: limits,
    find: `held.by_person >= (owner->>'holdsPerEmail')::integer`,
    replace: 'false',
    caughtBy: { [hoarding]: 'spellings of one mailbox' },
  },
  {
    name: 'limits: one address may take all that is left',
    file: limits,
    find: '(free + held.of_type) /',
    replace: '10000 * (free + held.of_type) /',
    caughtBy: { [hoarding]: 'quarter of the seats' },
  },
  {
    name: 'limits: a family may not have the last seats',
    file: 'src/database/seats/limits.ts',
    find: 'const FEW_SEATS = 6',
    replace: 'const FEW_SEATS = 1',
    caughtBy: { [hoarding]: 'a family of six' },
  },
  {
    name: 'limits: free tickets count for a moment only',
    file: limits,
    find: `f.at > clock_timestamp() - interval '1 day'`,
    replace: `f.at > clock_timestamp() - interval '1 millisecond'`,
    caughtBy: { [hoarding]: 'takes only a part of them in a day' },
  },
  {
    name: 'limits: free tickets count for ever',
    file: limits,
    find: `f.at > clock_timestamp() - interval '1 day'`,
    replace: 'true',
    caughtBy: { [hoarding]: 'takes only a part of them in a day' },
  },
  {
    name: 'limits: the free tickets of a person are not limited',
    file: limits,
    find: `held.by_person + registered.by_person >= (owner->>'freePerEmail')::integer`,
    replace: 'false',
    caughtBy: { [hoarding]: 'a person has a limit in a day' },
  },
  {
    name: 'limits: each address of an IPv6 network has limits of its own',
    file: 'src/api/origin.ts',
    find: 'address.parts.slice(0, 4)',
    replace: 'address.parts',
    caughtBy: { [hoarding]: 'one IPv6 network' },
  },
  {
    name: 'limits: an e-mail address counts wherever its form comes from',
    file: 'src/api/origin.ts',
    find: 'hash(addressOf(request), mailboxOf(email))',
    replace: 'hash(mailboxOf(email))',
    caughtBy: { [hoarding]: 'declined elsewhere' },
  },
  {
    name: 'limits: what follows a plus sign makes another mailbox',
    file: 'src/mailbox.ts',
    find: `split('+')`,
    replace: `split('#')`,
    caughtBy: { [hoarding]: 'spellings of one mailbox' },
  },
  {
    name: 'limits: a repeated request counts as another declined payment',
    file: 'src/api/limits.ts',
    find: 'if (isExceeded(await here.ofPayment(request))) return;',
    replace: '',
    caughtBy: { [hoarding]: 'counts once' },
  },
  {
    name: 'limits: a recipient gets any number of mails',
    file: 'src/database/mails.ts',
    find: 'return known || others < most;',
    replace: 'return true;',
    caughtBy: { [hoarding]: 'more than twenty mails' },
  },
  {
    name: 'limits: lapsed holds are purged too early',
    file: 'src/database/purge.ts',
    find: `interval '1 day'`,
    replace: `interval '1 hour'`,
    caughtBy: { 'test/database/purge.test.ts': '' },
  },
  {
    name: 'addresses: what was typed is mailed to an address that nobody confirmed',
    file: 'src/web/emails/emails.ts',
    find: 'if (!isTrusted(order)) return',
    replace: 'if (isTrusted(order) && !isTrusted(order)) return',
    caughtBy: { [madeUp]: 'repeats nothing of the form' },
  },
  {
    name: 'addresses: a name goes to an address that nobody confirmed',
    file: 'src/activities/email.ts',
    find: 'trusted ? named(attendee) : { email: attendee.email }',
    replace: 'named(attendee)',
    caughtBy: { [madeUp]: 'repeats nothing of the form' },
  },
  {
    name: 'addresses: Mailchimp subscribes an address that nobody confirmed',
    file: 'src/activities/mailing-list.ts',
    find: `untrusted ? 'pending' : 'subscribed'`,
    replace: `'subscribed'`,
    caughtBy: { [madeUp]: 'repeats nothing of the form' },
  },
  {
    name: 'addresses: any token confirms',
    file: waiting,
    find: '!confirmed.has(confirmationToken)',
    replace: 'confirmed.size === 0',
    caughtBy: { [address]: 'does not go on with another token' },
  },
  {
    name: 'addresses: the payment does not wait for the confirmation',
    file: 'src/workflows/payment.ts',
    find: 'next && confirmations.isNeeded(next.order)',
    replace: 'next && confirmations.isNeeded(next.order) && confirmations.isAwaited()',
    caughtBy: { [address]: 'takes no payment', [madeUp]: 'charges nobody' },
  },
  {
    name: 'addresses: an unconfirmed seat is never released',
    file: waiting,
    find: 'if (!inTime) await CancellationScope.nonCancellable(() => releaseHold(order.id));',
    replace: '',
    caughtBy: { [address]: 'releases the seat after an hour' },
  },
  {
    name: 'addresses: the link expires after a minute',
    file: 'src/registration.ts',
    find: 'CONFIRM_WITHIN_MS = 3_600_000',
    replace: 'CONFIRM_WITHIN_MS = 60_000',
    caughtBy: { [address]: 'releases the seat after an hour' },
  },
  {
    name: 'addresses: opening the link confirms',
    file: 'src/api/attendee/confirmation.ts',
    find: 'const event = await findHeldEvent(database, id);',
    replace: 'const event = await findHeldEvent(database, id);\n    await confirmEmail(temporal, id, token);',
    caughtBy: { [madeUp]: 'before the button' },
  },
  {
    name: 'addresses: a seat that waits is read as one that is paid for',
    file: 'src/database/seats/lock.ts',
    find: ' && claimedFor !== UNCONFIRMED',
    replace: '',
    caughtBy: { [madeUp]: 'leaves a hold request alone' },
  },
];
