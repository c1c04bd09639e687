import {
  ActivityFailure,
  ApplicationFailure,
  defineQuery,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { Added } from '../addition.ts';
import {
  PROGRESS,
  STEP_NAMES,
  type Attempt,
  type Order,
  type Progress,
  type Status,
  type StepName,
  type StepState,
} from '../registration.ts';
import { showInList } from './list.ts';

export const progressQuery = defineQuery<Progress>(PROGRESS);

/** What is tracked of an order. An organizer's addition has no ticket type of its own. */
type Tracked = Pick<Order, 'newsletter' | 'paypalOrderId'> & Partial<Pick<Order, 'ticketType'>>;

export type Tracker = ReturnType<typeof trackProgress>;

/** Keeps what the query `progress`, the run's result and Temporal's Web UI tell about a run. */
export function trackProgress(first: Tracked) {
  let order = first;
  const progress: Progress = {
    status: 'processing',
    steps: STEP_NAMES.map((name) => ({
      name,
      state: name === 'mailing-list' && !order.newsletter ? 'skipped' : 'waiting',
      attempts: 0,
      at: null,
    })),
  };
  setHandler(progressQuery, () => progress);

  function set(name: StepName, state: StepState, attempts?: number) {
    const step = progress.steps.find((candidate) => candidate.name === name);
    if (step)
      Object.assign(step, { state, attempts: attempts ?? step.attempts, at: new Date().toISOString() });
    show();
  }

  function become(status: Status) {
    showInList({ status });
    progress.status = status;
  }

  function show() {
    const lines = progress.steps.map(({ name, state, at }) => `- ${name}: ${state}${at ? ` (${at})` : ''}`);
    setCurrentDetails([`**${progress.status}**`, '', ...lines].join('\n'));
  }

  return {
    progress,
    unconfirmed() {
      become('unconfirmed');
      show();
    },
    adding() {
      set('order', 'running', 1);
    },
    /** What an organizer adds is paid already (`paid`), or costs nothing. */
    added({ decision, paid, attempts }: Added) {
      const isAdded = decision.status === 'added';
      become(isAdded ? 'confirmed' : 'expired');
      if (isAdded) set('payment', paid ? 'done' : 'skipped', attempts);
      set('order', isAdded ? 'done' : 'failed', attempts);
    },
    attempting(attempted: Order) {
      if (attempted.ticketType.id !== order.ticketType?.id && patched('ticket-type-in-list'))
        showInList({ ticketType: attempted.ticketType.id });
      order = attempted;
      const list = progress.steps.find(({ name }) => name === 'mailing-list');
      if (list) list.state = order.newsletter ? 'waiting' : 'skipped';
      become('processing');
      set('payment', 'running', 1);
    },
    attempted(answer: Attempt) {
      const taken = answer.status === 'captured';
      become(taken ? 'confirmed' : answer.status === 'expired' ? 'expired' : 'declined');
      set('payment', taken ? (order.paypalOrderId ? 'done' : 'skipped') : 'failed', answer.attempts);
    },
    /** Shows a step of the fan-out from start to end. Its failure is shown and rethrown. */
    async step(name: StepName, work: Promise<{ attempts: number }>): Promise<void> {
      set(name, 'running', 1);
      try {
        const { attempts } = await work;
        set(name, 'done', attempts);
      } catch (error) {
        set(name, isCancellation(error) ? 'skipped' : 'failed', attemptsOf(error));
        throw error;
      }
    },
    conclude(status: Status) {
      become(status);
      show();
    },
  };
}

/** The attempts of an activity that failed for good, which its failure tells (activities/failure.ts). */
function attemptsOf(error: unknown): number | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const [detail] = (cause instanceof ApplicationFailure ? cause.details : undefined) ?? [];
  return (detail as { attempts?: number } | undefined)?.attempts;
}
