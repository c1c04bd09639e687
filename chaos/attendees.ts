/** Registrations that exist before a run begins: with payments at PayPal, orders and seats, and no runs any more. */
import { loadConfig } from '../src/config.ts';
import { saveOrder } from '../src/database/orders.ts';
import { claimSeat } from '../src/database/seats/claim.ts';
import { holdSeat } from '../src/database/seats/hold.ts';
import { FREE } from '../src/registration.ts';
import { connectPayPal } from '../src/vendors/paypal/client.ts';
import { formOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import type { randomOf } from './plan.ts';

/** `captureId` is null for somebody who paid nothing. */
export type Attendee = { id: string; captureId: string | null; isFree?: boolean };

export const LOOK_EVERY_MS = 300;
const AT_ONCE = 20;
const TIMEOUT_MS = 10_000;
const AMOUNT = { minor: 12_000, currency: 'EUR' };
/** Every tenth ticket is free. */
const FREE_ONES = 10;

/** Adds so many confirmed registrations. */
export async function populate(
  { sandbox, database, databaseUrl }: World,
  count: number,
  { uuid }: ReturnType<typeof randomOf>,
): Promise<Attendee[]> {
  const settings = { ...sandbox.settings, DATABASE_URL: databaseUrl, EMAIL_FROM: 'registration@example.org' };
  const paypal = connectPayPal(loadConfig(settings).paypal);
  const event = {
    ...{
      id: 'conference',
      name: 'Conference',
      timeZone: 'Europe/Berlin',
      venue: 'Hall 4',
      seller: 'Society',
    },
    ...{ startsAt: '2099-05-14T07:00:00.000Z', endsAt: '2099-05-15T16:00:00.000Z' },
  };

  async function pay(id: string) {
    const order = { requestId: `${id}:1`, registrationId: id, amount: AMOUNT, description: event.name };
    const paypalOrderId = await paypal.createOrder(order, TIMEOUT_MS);
    sandbox.approve(paypalOrderId);
    const captured = await paypal.captureOrder(paypalOrderId, `${id}:capture`, TIMEOUT_MS);
    if (captured.status !== 'captured') throw new Error(`The payment is ${captured.status}`);
    return { paypalOrderId, captureId: captured.captureId, paidAt: captured.paidAt };
  }
  const nothing = { paypalOrderId: null, captureId: null, paidAt: new Date().toISOString() };

  async function add(n: number): Promise<Attendee> {
    const id = uuid();
    const isFree = n % FREE_ONES === FREE_ONES - 1;
    const ticketType = isFree ? 'free' : 'regular';
    const payment = isFree ? nothing : await pay(id);
    await holdSeat(database, id, event.id, ticketType);
    await claimSeat(database, id, payment.paypalOrderId ?? FREE);
    const { attendee, billing } = formOf(id);
    const amount = isFree ? { ...AMOUNT, minor: 0 } : AMOUNT;
    const bought = { ticketType: { id: ticketType, name: ticketType }, amount, newsletter: null };
    await saveOrder(
      database,
      { id, event, attendee, billing, ...bought, paypalOrderId: payment.paypalOrderId },
      { status: 'captured', attempts: 1, ...payment },
    );
    return { id, captureId: payment.captureId, ...(isFree && { isFree }) };
  }

  const added: Attendee[] = [];
  for (let n = 0; n < count; n += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - n) }, (_, index) => add(n + index));
    added.push(...(await Promise.all(some)));
  }
  return added;
}
