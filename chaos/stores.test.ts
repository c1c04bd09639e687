/** A short drill (`npm run drill` is a long one): each store is lost once, and the audit finds what is missing until it is repaired. */
import { expect, it } from 'vitest';
import { runDrill } from './stores.ts';
import { STORE_INVARIANTS } from './stores-audit.ts';

it(
  'rebuilds either store: nobody is charged twice or for nothing, and no seat is lost',
  { timeout: 300_000 },
  async () => {
    const report = await runDrill({ each: 1, repairs: true }, () => undefined);
    const none = Object.fromEntries(STORE_INVARIANTS.map((name) => [name, []]));
    expect(report.violations).toEqual({ 'orders lost': none, 'Temporal lost': none });

    const { 'orders lost': orders, 'Temporal lost': runs } = report.atOnce;
    expect(orders['charged without a confirmed order or a full refund'].length).toBeGreaterThan(5);
    expect(orders['registration without an order or an end'].length).toBeGreaterThan(5);
    expect(orders['refund at PayPal that the ledger does not have'].length).toBeGreaterThan(1);
    expect(runs['claim without an open run'].length).toBeGreaterThan(3);
    expect(runs['charged without a confirmed order or a full refund'].length).toBeGreaterThan(1);
    expect(runs['confirmed attendee without an email'].length).toBeGreaterThan(0);
    expect(runs['refund or step that did not end'].length).toBeGreaterThan(1);
    expect(Object.keys(report.said)).toEqual(
      expect.arrayContaining(['run gone  capture … captured  resumed', 'run gone  nothing paid  undone']),
    );
  },
);
