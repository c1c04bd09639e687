/** A short run of chaos; `npm run chaos` is a long one. And what it says when a protection is missing. */
import { expect, it } from 'vitest';
import { INVARIANTS } from './audit.ts';
import { makePlan } from './plan.ts';
import { runChaos } from './run.ts';

const quiet = () => undefined;

it('plans the same for the same seed', () => {
  const options = { seed: 42, registrations: 50, seconds: 30, kills: 8 };
  expect(makePlan(options)).toEqual(makePlan(options));
  expect(makePlan({ ...options, seed: 43 }).clients).not.toEqual(makePlan(options).clients);
});

it('nothing is lost, doubled or untrue while everything dies', { timeout: 300_000 }, async () => {
  const report = await runChaos({ seed: 7, registrations: 20, seconds: 10, kills: 4 }, quiet);
  expect(report.violations).toEqual(Object.fromEntries(INVARIANTS.map((name) => [name, []])));
  expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(4);
  expect(report.outcomes.confirmed).toBeGreaterThan(5);
});

it(
  'notices orders that are not saved, seats counted without a lock, and a lost answer that is taken for a decline',
  {
    timeout: 300_000,
  },
  async () => {
    const options = { seed: 7, registrations: 60, seconds: 5, kills: 0 };
    const { violations } = await runChaos(options, quiet, 'order,lock,guess');
    expect(violations['captured without an order or a refund'].length).toBeGreaterThan(5);
    expect(violations['told "registered" without an order'].length).toBeGreaterThan(5);
    expect(violations['more seats given away than there are']).toContain('scarce');
    expect(violations['told "not charged" and charged'].length).toBeGreaterThan(0);
  },
);
