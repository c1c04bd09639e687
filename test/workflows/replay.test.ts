/** Runs that are in flight when a new version is installed must be able to go on: their histories replay. */
import type { WorkflowBundle } from '@temporalio/worker';
import { beforeAll, expect, it } from 'vitest';
import { bundleWorkflows } from './bundle.ts';
import { HISTORIES, readHistory, replay } from './histories.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows();
});

it.each(HISTORIES)('%s replays', async (file) => {
  await replay(bundle, JSON.parse(readHistory(file)));
});

it.each(HISTORIES)('%s names no machine and nobody who exists', (file) => {
  const readable = readHistory(file).replace(/"data": "([^"]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
  // Addresses of mail, and what Temporal calls a process unless it is told otherwise: 123@machine.
  const addresses = readable.match(/[\w.+-]+@[a-z][\w.-]*/gi) ?? [];
  expect(addresses.filter((address) => !address.endsWith('@example.org'))).toEqual([]);
  expect(readable).not.toMatch(/file:|node_modules/);
});
