/** What organizers do about registrations while everything fails, derived from the seed of the plan. */
import type { Client } from './plan.ts';

/**
 * `part` refunds 40; `two-at-once` asks for 70 twice, of which only one is possible; `thrice` sends the same refund three times
 * at once; `everything` and `part-cancels` cancel with the refund; `cancel` keeps the payment; `by-hand` refunds 30 in PayPal's
 * dashboard while everything is asked for.
 */
export const DEEDS = [
  'everything',
  'two-at-once',
  'cancel',
  'thrice',
  'by-hand',
  'part-cancels',
  'part',
] as const;
export type Deed = (typeof DEEDS)[number];

/** `soon`: the registration may still be processing; `settled`: after the run of every registration has ended. */
export const MOMENTS = ['confirmed', 'settled', 'soon', 'confirmed', 'settled'] as const;
export type Moment = (typeof MOMENTS)[number];

export type Act = {
  registration: string;
  ticketType: Client['ticketType'];
  deed: Deed;
  moment: Moment;
  /** When the organizer begins, in milliseconds after the start of the run; for `settled`, after all others. */
  at: number;
  organizer: string;
  /** `two-at-once` has two, all others one. */
  actions: Action[];
};
/** The id of an action, and those under which a refund that PayPal refused for want of funds is asked for again. */
export type Action = { id: string; agains: string[] };

type Random = { below: (n: number) => number; uuid: () => string };

/** The longest time between a client's first request and an act that does not wait for the confirmation. */
const SOON_MS = 1500;
const MOST_AGAINS = 5;

/** Plans an act about each registration. With 35 of them, each deed happens at each moment. */
export const planActs = (clients: Client[], { below, uuid }: Random): Act[] =>
  clients.map(({ id, ticketType, at }, n) => {
    const deed = DEEDS[n % DEEDS.length] ?? 'part';
    return {
      ...{ registration: id, ticketType, deed },
      moment: MOMENTS[n % MOMENTS.length] ?? 'settled',
      at: at + below(SOON_MS),
      organizer: uuid(),
      actions: Array.from({ length: deed === 'two-at-once' ? 2 : 1 }, () => ({
        id: uuid(),
        agains: Array.from({ length: MOST_AGAINS }, uuid),
      })),
    };
  });
