import type { Fault } from '../fault.ts';
import { API } from './api.ts';
import { ATTENTION } from './attention.ts';
import { DESK } from './desk.ts';
import { EXPORTS } from './exports.ts';
import { EVENT_EDITOR } from './event-editor.ts';
import { METRICS } from './metrics.ts';
import { LIMITS } from './limits.ts';
import { ORGANIZERS } from './organizers.ts';
import { BY_HAND } from './by-hand.ts';
import { CANCEL_EVENT } from './cancel-event.ts';
import { CHANGES } from './changes.ts';
import { GAPS } from './gaps.ts';
import { OWNERS } from './owners.ts';
import { PAYMENT_IN_THE_RUN } from './payment-in-the-run.ts';
import { PAYMENTS } from './payments.ts';
import { QUESTIONS } from './questions.ts';
import { RECORDS } from './records.ts';
import { REFUNDS } from './refunds.ts';
import { SEATS } from './seats.ts';
import { STORES } from './stores.ts';
import { TEMPORAL } from './temporal.ts';
import { TRACES } from './traces.ts';
import { VENDORS } from './vendors.ts';
import { WEBHOOKS } from './webhooks.ts';
import { WORKFLOWS } from './workflows.ts';

/** All faults that `npm run mutants` tries. */
export const FAULTS: Fault[] = [
  ...PAYMENT_IN_THE_RUN,
  ...WORKFLOWS,
  ...SEATS,
  ...PAYMENTS,
  ...REFUNDS,
  ...CHANGES,
  ...CANCEL_EVENT,
  ...BY_HAND,
  ...QUESTIONS,
  ...GAPS,
  ...VENDORS,
  ...WEBHOOKS,
  ...TEMPORAL,
  ...METRICS,
  ...TRACES,
  ...RECORDS,
  ...STORES,
  ...API,
  ...LIMITS,
  ...OWNERS,
  ...EVENT_EDITOR,
  ...ORGANIZERS,
  ...DESK,
  ...ATTENTION,
  ...EXPORTS,
];
