/** Runs in flight must continue after a deployment, so the histories of all released shapes must replay. */
import type { WorkflowBundle } from '@temporalio/worker';
import { beforeAll, expect, it } from 'vitest';
import { bundleWorkflows } from './bundle.ts';
import { HISTORIES, readHistory, replay } from './histories.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows();
});

it.each(HISTORIES)('replays %s', async (file) => {
  await replay(bundle, JSON.parse(readHistory(file)));
});

it.each(HISTORIES)('%s contains no host names, no file paths and no real e-mail addresses', (file) => {
  const readable = readHistory(file).replace(/"data": "([^"]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
  // The pattern matches e-mail addresses and Temporal's default identity of a process, such as 123@machine.
  const addresses = readable.match(/[\w.+-]+@[a-z][\w.-]*/gi) ?? [];
  expect(addresses.filter((address) => !address.endsWith('@example.org'))).toEqual([]);
  expect(readable).not.toMatch(/file:|node_modules/);
});
