import { defineUpdate, setHandler } from '@temporalio/workflow';
import type { AddDecision } from '../addition.ts';
import type { ChangeDecision } from '../change.ts';
import { DECIDED, type CancelDecision, type RefundDecision } from '../refund.ts';

/** What the update `decided` answers. */
type Decision = RefundDecision | CancelDecision | ChangeDecision | AddDecision;
export const decidedUpdate = defineUpdate<Decision, [again?: string]>(DECIDED);

/**
 * Answers the update with the decision, as soon as there is one. A refund that is asked for again may meet the run of the try
 * before, which has not closed yet: that run knows nothing of it, and refuses to answer.
 */
export function announce(again?: string): (decision: Decision) => void {
  let decide: (decision: Decision) => void = () => undefined;
  const decided = new Promise<Decision>((resolve) => (decide = resolve));
  setHandler(decidedUpdate, () => decided, {
    validator: (asked?: string) => {
      if (asked !== again) throw new Error('This run is about another try');
    },
  });
  return decide;
}
