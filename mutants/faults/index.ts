import type { Fault } from '../fault.ts';
import { SEATS } from './seats.ts';
import { WORKFLOWS } from './workflows.ts';

/** All faults that `npm run mutants` tries. */
export const FAULTS: Fault[] = [...WORKFLOWS, ...SEATS];
