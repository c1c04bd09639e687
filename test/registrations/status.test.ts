import { expect, it } from 'vitest';
import { STATUSES, type StepState } from '../../src/registration.ts';
import { canChange } from '../../src/registrations/status.ts';

const steps = (state: StepState) => [{ name: 'email' as const, state, attempts: 1, at: null }];

it('a registration can change while it is processed, and while it waits for a confirmation or another card', () => {
  const changing = STATUSES.filter((status) => canChange({ status, steps: steps('done') }));
  expect(changing).toEqual(['processing', 'unconfirmed', 'declined']);
});

it('a confirmed registration can change until its last step is over, and one that has ended cannot', () => {
  for (const state of ['waiting', 'running', 'retrying'] as const) {
    expect(canChange({ status: 'confirmed', steps: steps(state) })).toBe(true);
    expect(canChange({ status: 'refunded', steps: steps(state) })).toBe(false);
  }
  for (const state of ['done', 'failed', 'skipped'] as const)
    expect(canChange({ status: 'confirmed', steps: steps(state) })).toBe(false);
});
