/** The plan of a run, derived from a seed: which clients register how, what organizers do, and which parts and vendors fail. */
import { planActs, type Act } from './acts.ts';
import { planAdditions, type PlannedAddition } from './additions.ts';
import { planEdits, type PlannedEdit } from './edits.ts';
import { planFixes, type Fix } from './fixes.ts';
import { planImports, type PlannedImport } from './imports.ts';
import type { Fault, Provider } from '../sandbox/vendors/faults.ts';
import { PARTS, type Part } from '../stage/world.ts';

/**
 * How a client registers. `once` sends one request and then only watches the status; `impatient` aborts
 * requests and repeats them; `thrice` sends everything three times concurrently; `leaves` gives up after a
 * decline.
 */
export const MANNERS = ['pays', 'once', 'impatient', 'thrice', 'declined-first', 'leaves', 'free'] as const;
export type Manner = (typeof MANNERS)[number];
export type Client = {
  id: string;
  manner: Manner;
  ticketType: 'scarce' | 'regular' | 'balcony' | 'free';
  newsletter: boolean;
  /** When the client starts, in milliseconds after the start of the run. */
  at: number;
};

export type Kill = { part: Part; at: number; downMs: number };
export type Trouble = { provider: Provider; fault: Fault; at: number; lastsMs: number };

export type Options = { seed: number; registrations: number; seconds: number; kills: number };
export type Plan = Omit<Options, 'kills'> & {
  clients: Client[];
  kills: Kill[];
  troubles: Trouble[];
  /** A period without workers. Temporal is killed before they are back, while clients keep registering. */
  blackout: { at: number; lastsMs: number };
  acts: Act[];
  /** What else organizers do about each registration, at the same time. */
  fixes: Fix[];
  /** Whom organizers add by hand. */
  additions: PlannedAddition[];
  /** Whom they add with a file. */
  imports: PlannedImport[];
  /** How owners edit the event. */
  edits: PlannedEdit[];
  /** What is killed after all registrations have ended, while organizers act; `at` counts from then. */
  lateKills: Kill[];
  /**
   * A period in which the PayPal account has only so much money for refunds (in hundredths). A second one begins with what
   * organizers do after all registrations have ended.
   */
  poverty: { funds: number; at: number; lastsMs: number };
};

/** Ticket types with and without competition for seats. */
export const TICKETS = [
  { id: 'scarce', name: 'Scarce', price_minor: 9000, capacity: 5 },
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'balcony', name: 'Balcony', price_minor: 12_000, capacity: 2 },
  { id: 'free', name: 'Free', price_minor: 0, capacity: null },
];

/** A seeded random number generator for numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FAULTS: Fault[] = [
  { mode: 'slow', ms: 3000 },
  { mode: 'failing', status: 500 },
  { mode: 'failing', status: 503, retryAfter: 2 },
  { mode: 'failing', status: 429, retryAfter: 1 },
  { mode: 'cut' },
  { mode: 'unreachable' },
  // Longer than every vendor timeout: the work is done after the caller has given up.
  { mode: 'slow', ms: 12_000 },
];

/** What a seed decides. */
export function randomOf(seed: number) {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const nth = <T>(choices: readonly T[], n: number): T => {
    const choice = choices[n % choices.length];
    if (choice === undefined) throw new Error('Nothing to choose from');
    return choice;
  };
  const one = <T>(choices: readonly T[]): T => nth(choices, below(choices.length));
  const uuid = () => {
    const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  return { random, below, nth, one, uuid };
}

export function makePlan({ seed, registrations, seconds, kills }: Options): Plan {
  const { random, below, nth, one, uuid } = randomOf(seed);
  const ms = seconds * 1000;
  const clients = Array.from({ length: registrations }, (_, n): Client => {
    // Every manner occurs, even with few clients.
    const manner = n < MANNERS.length ? nth(MANNERS, n) : one(MANNERS);
    const ticketType =
      manner === 'free' ? 'free' : one(['scarce', 'regular', 'regular', 'regular', 'balcony'] as const);
    return { id: uuid(), manner, ticketType, newsletter: random() < 0.6, at: below(ms) };
  });
  // Captures succeed but their responses are lost: here a service is most likely to guess wrongly.
  const lostResponses: Trouble = {
    provider: 'paypal',
    fault: { mode: 'cut', only: '/capture' },
    at: Math.round(ms * 0.15),
    lastsMs: Math.max(2500, Math.round(ms * 0.05)),
  };
  const blackout = { at: Math.round(ms * 0.6), lastsMs: Math.max(2000, Math.round(ms * 0.1)) };
  const poverty = { funds: 5000, at: Math.round(ms * 0.4), lastsMs: Math.max(2000, Math.round(ms * 0.15)) };
  const plan = {
    ...{ seed, registrations, seconds, clients, blackout, poverty },
    kills: Array.from({ length: kills }, (_, n) => ({
      part: nth(PARTS, n),
      at: below(ms),
      downMs: 200 + below(2000),
    })),
    troubles: [
      lostResponses,
      ...Array.from({ length: Math.max(6, Math.round(seconds / 4)) }, (_, n): Trouble => {
        const provider = one(['paypal', 'sendgrid', 'mailchimp'] as const);
        const trouble = { fault: nth(FAULTS, n), at: below(ms), lastsMs: 500 + below(3000) };
        const overlaps =
          trouble.at < lostResponses.at + lostResponses.lastsMs &&
          lostResponses.at < trouble.at + trouble.lastsMs;
        return { ...trouble, provider: provider === 'paypal' && overlaps ? 'sendgrid' : provider };
      }),
    ],
  };
  const acts = planActs(clients, { below, uuid });
  const fixes = planFixes(clients, uuid);
  const late = kills > 0 ? PARTS : [];
  return {
    ...plan,
    acts,
    fixes,
    lateKills: late.map((part) => ({ part, at: below(2500), downMs: 200 + below(1000) })),
    additions: planAdditions(registrations, { below, uuid, ms }),
    imports: planImports(registrations, { below, uuid, ms }),
    edits: planEdits({ uuid, ms }),
  };
}

/** The same plan, in which nobody but the clients does anything. */
export const withoutOrganizers = (plan: Plan): Plan => ({
  ...plan,
  ...{ acts: [], fixes: [], additions: [], imports: [], edits: [] },
});
