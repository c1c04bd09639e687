import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, inject, it, vi } from 'vitest';
import { saveOrder } from '../../src/database/orders.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

it('PostgreSQL does not log the values of a row that it rejects', async () => {
  const { database, drop } = await createDatabase();
  const id = randomUUID();
  await holdSeat(database, id, 'conference', 'regular');
  const order = anOrder({ id, attendee: { ...anOrder().attendee, lastName: 'Unloggable' } });
  // An order with a price but without a capture violates the constraint orders_paid_or_free.
  const saved = saveOrder(database, { ...order, paypalOrderId: null }, { ...CAPTURED, captureId: null });
  await expect(saved).rejects.toMatchObject({ constraint: 'orders_paid_or_free' });
  // PostgreSQL logs through a pipe, so its lines arrive after its answer. The STATEMENT line is the last one.
  const refusal = await vi.waitFor(
    () => {
      const log = readFileSync(inject('postgresLog'), 'utf8');
      const lines = log.slice(log.indexOf('orders_paid_or_free'));
      expect(lines).toMatch(
        /^orders_paid_or_free[^\n]*\n[^\n]*STATEMENT: {2}with(\n?[^\n]){0,300}insert into orders[^\n]*\n/,
      );
      return lines;
    },
    { timeout: 20_000 },
  );
  expect(refusal).not.toContain('Unloggable');
  await drop();
});
