/** Runs that are in flight when a new version is installed must be able to go on: their histories replay. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';

const folder = new URL('../histories/', import.meta.url);
const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
const histories = readdirSync(folder).filter((file) => file.endsWith('.json'));
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { events: { eventType?: string }[] };

describe('histories of released shapes', () => {
  it('are there', () => {
    expect(histories.length).toBeGreaterThan(0);
  });

  it.each(histories)('%s replays', async (file) => {
    await Worker.runReplayHistory({ workflowsPath }, read(file));
  });

  it('would not replay if a step were gone', async () => {
    const { events } = read(histories[0] ?? '');
    const changed = events.map(
      (event) => JSON.parse(JSON.stringify(event).replaceAll('saveOrder', 'saveNothing')) as typeof event,
    );
    await expect(Worker.runReplayHistory({ workflowsPath }, { events: changed })).rejects.toThrow(
      DeterminismViolationError,
    );
  });
});
