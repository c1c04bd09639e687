/** How the steps of an order ended is stored once, whoever comes first: the order or the step. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveOrder } from '../../src/database/orders.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { noteAttempt, openStep } from '../../src/database/steps.ts';
import { findOutcome } from '../../src/database/registrations.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase();
});
afterEach(() => store.drop());

const ordered = async (id: string, newsletter = true) => {
  await holdSeat(store.database, id, 'conference', 'regular');
  await claimSeat(store.database, id, 'P');
  const order = anOrder({
    ...{
      id,
      event: { ...anOrder().event, id: 'conference' },
      ticketType: { id: 'regular', name: 'Regular' },
    },
    ...{ amount: { minor: 12_000, currency: 'EUR' } },
    newsletter: newsletter ? { at: new Date().toISOString(), wording: '2026-11' } : null,
  });
  await saveOrder(store.database, order, { ...CAPTURED, captureId: `C-${id}`, paypalOrderId: `P-${id}` });
};
const states = async (id: string) =>
  Object.fromEntries(
    (
      await store
        .database('step_outcomes')
        .where({ registration_id: id })
        .select<{ step: string; state: string }[]>('step', 'state')
    ).map(({ step, state }) => [step, state]),
  );
const shown = async (id: string) => {
  const outcome = await findOutcome(store.database, id);
  return outcome.found === 'order' ? outcome.steps.map(({ name, state }) => `${name} ${state}`) : [];
};

it('is the same whichever comes first, the order or the mail', async () => {
  const [before, after] = [randomUUID(), randomUUID()];
  await noteAttempt(store.database, before, 'email', { state: 'done', attempts: 1 });
  await ordered(before);
  await ordered(after);
  expect(await states(after)).toEqual({ email: 'open', 'mailing-list': 'open' });
  await noteAttempt(store.database, after, 'email', { state: 'done', attempts: 1 });
  expect(await states(before)).toEqual({ email: 'done', 'mailing-list': 'open' });
  expect(await states(after)).toEqual(await states(before));
  expect(await shown(after)).toEqual(['email done', 'mailing-list running']);
});

describe('a try that failed', () => {
  const failure = { type: 'SendGridAuth', word: 'X' };

  it('is known while the step is open, and does not undo what is done', async () => {
    const id = randomUUID();
    await noteAttempt(store.database, id, 'email', { state: 'tried', attempts: 7, failure });
    expect(await states(id)).toEqual({});
    await ordered(id, false);
    await noteAttempt(store.database, id, 'email', { state: 'tried', attempts: 8, failure });
    expect(await shown(id)).toEqual(['email retrying', 'mailing-list skipped']);
    await noteAttempt(store.database, id, 'email', { state: 'done', attempts: 9 });
    await noteAttempt(store.database, id, 'email', { state: 'tried', attempts: 8, failure });
    expect(await shown(id)).toEqual(['email done', 'mailing-list skipped']);
  });

  it('is forgotten when an organizer has the step done again', async () => {
    const id = randomUUID();
    await ordered(id);
    await noteAttempt(store.database, id, 'email', { state: 'failed', attempts: 1, failure });
    expect(await shown(id)).toContain('email failed');
    await openStep(store.database, id, 'email');
    expect(await shown(id)).toContain('email running');
  });
});
