/** The recorded histories, and whether a version of the workflows could go on with them. */
import { readdirSync, readFileSync } from 'node:fs';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { dataConverter } from '../../src/temporal/client.ts';

const folder = new URL('../histories/', import.meta.url);

/** File names, in order. */
export const HISTORIES = readdirSync(folder).filter((file) => file.endsWith('.json'));
export const readHistory = (file: string) => readFileSync(new URL(file, folder), 'utf8');

/** Rejects with a DeterminismViolationError when these workflows would not do again what they did in the history. */
export const replay = (
  workflowBundle: WorkflowBundle,
  history: unknown,
  converter = dataConverter({ encryptionKeys: [] }),
) => Worker.runReplayHistory({ workflowBundle, dataConverter: converter }, history);
