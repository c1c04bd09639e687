import { defineUpdate, setHandler } from '@temporalio/workflow';
import type { ChangeDecision } from '../change.ts';
import { DECIDED, type CancelDecision, type RefundDecision } from '../refund.ts';

/** What the update `decided` answers. */
type Decision = RefundDecision | CancelDecision | ChangeDecision;
export const decidedUpdate = defineUpdate<Decision>(DECIDED);

/** Answers the update with the decision, as soon as there is one. */
export function announce(): (decision: Decision) => void {
  let decide: (decision: Decision) => void = () => undefined;
  const decided = new Promise<Decision>((resolve) => (decide = resolve));
  setHandler(decidedUpdate, () => decided);
  return decide;
}
