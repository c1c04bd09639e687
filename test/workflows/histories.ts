/** Reads the recorded histories and replays them with a version of the workflows. */
import { readdirSync, readFileSync } from 'node:fs';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import { dataConverter } from '../../src/temporal/client.ts';

const folder = new URL('../histories/', import.meta.url);

/** The file names of the histories, in order. */
export const HISTORIES = readdirSync(folder).filter((file) => file.endsWith('.json'));
export const readHistory = (file: string) => readFileSync(new URL(file, folder), 'utf8');

/** Replays a history. Rejects with a DeterminismViolationError when the workflows issue other commands. */
export const replay = (
  workflowBundle: WorkflowBundle,
  history: unknown,
  { converter = dataConverter({ encryptionKeys: [] }), workflowId = undefined as string | undefined } = {},
) => Worker.runReplayHistory({ workflowBundle, dataConverter: converter }, history, workflowId);
