/** The export of money equals PayPal's ledger, whatever attendees, organizers and PayPal have done. */
import { randomUUID } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readFees } from '../../src/registrations/fees.ts';
import { reference } from '../../src/reference.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { startRefund } from '../../src/temporal/runs.ts';
import { aForm, emailOf } from '../../stage/person.ts';
import { aSignedIn, type SignedIn } from '../api/organizer/desk.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';

let stack: Stack;
let owner: SignedIn;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 5000 });
  await stack.startWorker();
  owner = await aSignedIn(stack, 'owner');
});
afterAll(() => stack.stop());

const ABOUT = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
const runOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const captureOf = (id: string) =>
  stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === id)?.id ?? '';

/** Registers somebody, and waits until the run has done everything. */
async function registered(ticketType: string, card?: string): Promise<string> {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  await anAttendee(stack, aForm({ ticketType, attendee, newsletter: false }), id).register(card);
  if (card === undefined) await runOf(id).result();
  return id;
}
/** Refunds as an organizer does; everything that is left without an amount (in cents). */
async function refund(registration: string, minor: number | null, cancels = false): Promise<void> {
  const action = randomUUID();
  const amount = minor === null ? null : { minor, currency: 'EUR' };
  const request = { registration, action, organizer: randomUUID(), reason: '', amount, cancels };
  await startRefund(stack.temporal, request, ABOUT, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(refundWorkflowId(action)).result();
}
const byHand = (id: string, value?: string) =>
  stack.sandbox.refundByHand(
    captureOf(id),
    value === undefined ? undefined : { currency_code: 'EUR', value },
  );

type Line = Record<'kind' | 'amount' | 'currency' | 'note' | 'paypal_id' | 'reference' | 'time_utc', string>;
async function exported(query = ''): Promise<Line[]> {
  const { body } = await owner.get(`/organizer/export/money.csv${query}`, { accept: '*/*' });
  const lines = parse<Line>(body, { bom: true, columns: true });
  expect(lines.pop()?.kind).toMatch(/^# end of file: \d+ lines$/);
  return lines;
}

type Money = { value: string; currency_code: string };
type Told = {
  id: string;
  custom_id: string;
  amount: Money;
  create_time: string;
  seller_receivable_breakdown?: { paypal_fee: Money };
  seller_payable_breakdown?: { paypal_fee: Money };
};
/** What PayPal itself says of its ledger, asked without the product. */
async function ledger(): Promise<string[]> {
  const { baseUrl = '', clientId, clientSecret } = stack.config.paypal;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const given = await fetch(`${baseUrl}/v1/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials',
  });
  const { access_token } = (await given.json()) as { access_token: string };
  const ask = async (path: string) =>
    (await (
      await fetch(baseUrl + path, { headers: { authorization: `Bearer ${access_token}` } })
    ).json()) as Told;
  const { captures, refunds } = stack.sandbox.ledger();
  const lines: string[] = [];
  for (const { id } of captures) {
    const told = await ask(`/v2/payments/captures/${id}`);
    const fee = told.seller_receivable_breakdown?.paypal_fee;
    if (!fee) continue;
    const rest = [told.amount.currency_code, id, reference(told.custom_id), timeOf(told)].join(' ');
    lines.push(`capture ${told.amount.value} ${rest}`, `fee -${fee.value} ${rest}`);
  }
  for (const { id, status, capture_id } of refunds) {
    if (status !== 'COMPLETED') continue;
    const told = await ask(`/v2/payments/refunds/${id}`);
    expect(told.seller_payable_breakdown?.paypal_fee.value).toBe('0.00');
    const of = captures.find((capture) => capture.id === capture_id)?.custom_id ?? '';
    lines.push(
      `refund -${told.amount.value} ${told.amount.currency_code} ${id} ${reference(of)} ${timeOf(told)}`,
    );
  }
  return lines;
}
const timeOf = ({ create_time }: Told) => create_time.replace(/\.\d+Z$/, 'Z');
const cents = (amount: string) => Math.round(Number(amount) * 100);

it(
  'after random payments, declines, refunds, cancellations and refunds by hand',
  { timeout: 240_000 },
  async () => {
    const rounds = 18;
    let state = 20_261_128;
    const chance = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const acts: ((id: string) => Promise<unknown>)[] = [
      () => Promise.resolve(),
      (id) => refund(id, 1 + chance(12_000)),
      async (id) => {
        await refund(id, 1 + chance(6000));
        await refund(id, null, true);
      },
      (id) => refund(id, null, true),
      async (id) => {
        // The ledger learns of it with the next refund.
        byHand(id, `${10 + chance(50)}.${10 + chance(90)}`);
        await refund(id, 1 + chance(3000));
      },
      async (id) => {
        byHand(id);
        await refund(id, null, true);
      },
    ];
    for (let round = 0; round < rounds; round++) {
      const id = await registered('regular');
      await acts[round % acts.length]?.(id);
    }
    await registered('free');
    await registered('regular', CARDS.declined);

    // A payment that PayPal reviews has no fee and is none, until PayPal has completed it.
    const reviewed = await registered('regular', CARDS.pending);
    await vi.waitUntil(() => captureOf(reviewed) !== '');
    expect((await exported()).some((line) => line.reference === reference(reviewed))).toBe(false);

    // The run is cancelled before it is done, and undoes the payment.
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const undone = randomUUID();
    await anAttendee(stack, aForm({ ticketType: 'regular', newsletter: false }), undone).register();
    await runOf(undone).cancel();
    await vi.waitUntil(
      async () =>
        (await stack.database('refunds').where({ registration_id: undone, state: 'done' })).length > 0,
      { timeout: 20_000 },
    );
    stack.sandbox.faults.clear();

    // And one whose order was never saved.
    await stack.database.raw(
      `create function refuse() returns trigger language plpgsql as
         $$ begin raise exception using errcode = '57P03'; end $$;
       create trigger refuse before insert on orders execute function refuse()`,
    );
    const unsaved = randomUUID();
    await anAttendee(stack, aForm({ ticketType: 'regular', newsletter: false }), unsaved).register();
    await runOf(unsaved).cancel();
    const isRefunded = async () =>
      (await stack.database('refunds').where({ registration_id: unsaved, state: 'done' })).length > 0;
    await vi.waitUntil(isRefunded, { timeout: 20_000 });
    await stack.database.raw('drop trigger refuse on orders');
    expect(await stack.database('orders').where({ id: unsaved })).toEqual([]);

    // Fees of refunds by hand, and of older payments, are read later.
    await stack.database('captures').where({ registration_id: undone }).update({ fee_minor: null });
    const before = await exported();
    const unknown = before.filter(({ note, kind }) => note === 'not known yet' && !kind.startsWith('sum'));
    expect(unknown.length).toBeGreaterThanOrEqual(3);
    expect(unknown.map(({ amount }) => amount)).toEqual(unknown.map(() => ''));
    await readFees(stack, { pauseMs: 0 });

    const lines = await exported();
    expect(await exported('?event=conference')).toEqual(lines);
    const told = await ledger();
    expect(told.length).toBeGreaterThan(2 * rounds);
    const moves = lines.filter(({ kind }) => !kind.startsWith('sum'));
    expect(
      moves
        .map((line) =>
          [line.kind, line.amount, line.currency, line.paypal_id, line.reference, line.time_utc].join(' '),
        )
        .toSorted(),
    ).toEqual(told.toSorted());
    const sum = lines.find(({ kind }) => kind === 'sum');
    const expected = told.reduce((total, line) => total + cents(line.split(' ')[1] ?? ''), 0);
    expect([cents(sum?.amount ?? ''), sum?.currency, sum?.note]).toEqual([expected, 'EUR', '']);
  },
);
