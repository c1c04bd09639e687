/** Somebody registers with an e-mail address that is not theirs: nothing that they type reaches its owner, and no seat is gone. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  await stack.database('ticket_types').insert([
    {
      ...{ event_id: 'conference', id: 'asked', name: 'Asked' },
      price_minor: 0,
      capacity: 5,
      confirm_email: true,
    },
    {
      ...{ event_id: 'conference', id: 'paid', name: 'Paid' },
      price_minor: 500,
      capacity: 5,
      confirm_email: true,
    },
  ]);
});
afterAll(() => stack.stop());

/** Registers with a ticket type; every person has an address of their own. */
async function register(
  ticketType: string,
  { newsletter = false, card }: { newsletter?: boolean; card?: string } = {},
) {
  const id = randomUUID();
  const email = `${id.slice(0, 8)}@example.org`;
  const form = aForm({ ticketType, newsletter, attendee: { ...aForm().attendee, email } });
  const person = anAttendee(stack, form, id);
  const answer = await person.register(card);
  const mails = () => stack.sandbox.ledger().mails.filter(({ to }) => to[0]?.email === email);
  const mail = async (count = 1) => {
    await vi.waitUntil(() => mails().length >= count, { timeout: 10_000 });
    return mails()[count - 1];
  };
  const becomes = (status: string) =>
    vi.waitUntil(async () => (await person.status()).json<{ status: string }>().status === status, {
      timeout: 10_000,
    });
  return { ...person, email, answer, mail, mails, becomes };
}
const linkIn = (mail: unknown) =>
  new URL(
    /http:\/\/registration\.test\/registrations\/[\w-]+\/confirm\/[\w-]+/.exec(texts(mail).join('\n'))?.[0] ??
      '',
  ).pathname;
const open = (method: 'GET' | 'POST', url: string) =>
  stack.app.inject({
    method,
    url,
    headers: {
      accept: 'text/html',
      ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
  });
const free = async (ticketType: string) =>
  (
    await stack.database('ticket_availability').where({ ticket_type_id: ticketType }).pluck<number[]>('free')
  )[0];

describe('a ticket type that asks for a confirmed address', () => {
  it('keeps the seat, and registers nobody before the button behind the link was used', async () => {
    const { answer, id, mail, mails, becomes, status, post, email } = await register('asked');
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ id, status: 'unconfirmed' });
    expect(answer.headers.location).toContain(`/registrations/${id}`);
    expect(await free('asked')).toBe(4);
    const asking = await mail();
    expect(texts(asking).join('\n')).not.toMatch(/Ada|Example\b|Street/);
    const link = linkIn(asking);

    // A mail scanner opens the link.
    const page = await open('GET', link);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('<form method="post">');
    expect(page.body).not.toMatch(/Ada|example\.org/);
    expect(page.headers['cache-control']).toBe('no-store');
    await open('GET', link);
    expect((await status()).json()).toMatchObject({ status: 'unconfirmed' });
    expect((await post(null)).json()).toMatchObject({ status: 'unconfirmed' });

    const used = await open('POST', link);
    expect([used.statusCode, used.headers.location]).toEqual([303, `/registrations/${id}`]);
    await becomes('confirmed');
    expect(texts(await mail(2)).join('\n')).toContain('Hello Ada,');
    expect(mails()).toHaveLength(2);
    expect(await stack.database('orders').where({ id }).pluck('email_confirmed')).toEqual([true]);
    expect((await post(null)).statusCode).toBe(201);
    expect((await open('GET', link)).headers.location).toBe(`/registrations/${id}`);
    expect((await open('POST', link)).statusCode).toBe(303);
    expect(email).not.toBe('');
  });

  it('is not confirmed by a guess, nor by the link of somebody else', async () => {
    const [one, other] = [await register('asked'), await register('asked')];
    const token =
      linkIn(await other.mail())
        .split('/')
        .at(-1) ?? '';
    for (const guess of [randomUUID(), token]) {
      const link = `/registrations/${one.id}/confirm/${guess}`;
      expect((await open('GET', link)).headers.location).toBe(`/registrations/${one.id}`);
      await open('POST', link);
    }
    await open('POST', linkIn(await other.mail()));
    await other.becomes('confirmed');
    expect((await one.status()).json()).toMatchObject({ status: 'unconfirmed' });
  });

  it('charges nobody before the address is confirmed', async () => {
    const { answer, id, mail, becomes } = await register('paid');
    expect(answer.json()).toMatchObject({ status: 'unconfirmed' });
    const captures = () => stack.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === id);
    expect(captures()).toEqual([]);
    await open('POST', linkIn(await mail()));
    await becomes('confirmed');
    expect(captures()).toHaveLength(1);
  });

  it('tells somebody who asks again what became of the payment since, and holds the seat for another card', async () => {
    const { put, post, mail, becomes } = await register('paid', { card: CARDS.declined });
    const { paypalOrderId } = (await put()).json<{ paypalOrderId: string }>();
    await open('POST', linkIn(await mail()));
    await becomes('declined');
    const again = await post(paypalOrderId);
    expect(again.statusCode).toBe(402);
    expect(again.json()).toMatchObject({ type: expect.stringContaining('declined') as string });
    expect(Date.parse(again.json<{ heldUntil: string }>().heldUntil)).toBeGreaterThan(Date.now());
  });

  it('shows the wait on the status page, and leaves a hold request alone meanwhile', async () => {
    const { id, put } = await register('asked');
    const page = await open('GET', `/registrations/${id}`);
    expect(page.body).toContain('Please confirm your email address');
    expect((await put()).json()).toMatchObject({ heldUntil: null, paypalOrderId: null });
  });
});

describe('a free ticket without a confirmed address', () => {
  it('gets a mail that repeats nothing of the form, and Mailchimp asks the person first', async () => {
    const { mail, email } = await register('free', { newsletter: true });
    const sent = await mail();
    expect(texts(sent).join('\n')).not.toMatch(/Ada|Street 2|Hamburg/);
    expect(sent?.to).toEqual([{ email }]);
    const members = () =>
      stack.sandbox.ledger().members.filter(({ email_address }) => email_address === email);
    await vi.waitUntil(() => members().length === 1);
    expect(members()[0]?.status).toBe('pending');
  });

  it('differs from a paid one, which greets by name and subscribes at once', async () => {
    const { mail, email } = await register('regular', { newsletter: true });
    expect(texts(await mail()).join('\n')).toContain('Hello Ada,');
    const members = () =>
      stack.sandbox.ledger().members.filter(({ email_address }) => email_address === email);
    await vi.waitUntil(() => members().length === 1);
    expect(members()[0]?.status).toBe('subscribed');
  });
});
