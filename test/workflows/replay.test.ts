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

it.each(HISTORIES)('replays %s as part of a trace', async (file) => {
  const history = JSON.parse(readHistory(file)) as {
    events: { workflowExecutionStartedEventAttributes?: object }[];
  };
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const header = {
    metadata: { encoding: base64('json/plain') },
    data: base64(JSON.stringify({ traceparent })),
  };
  Object.assign(history.events[0]?.workflowExecutionStartedEventAttributes ?? {}, {
    header: { fields: { '_tracer-data': header } },
  });
  await replay(bundle, history);
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
