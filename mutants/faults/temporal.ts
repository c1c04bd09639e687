import type { Fault } from '../fault.ts';

const codec = 'src/temporal/codec.ts';
const runs = 'src/temporal/runs.ts';
const history = 'src/temporal/history.ts';
const converter = 'src/temporal/failure-converter.cjs';
const payloads = 'test/temporal/codec.test.ts';
const oneRun = 'test/temporal/runs.test.ts';
const recorded = 'test/temporal/history.test.ts';

/** One run for a registration; what Temporal stores of it, and what is read from that. */
export const TEMPORAL: Fault[] = [
  {
    name: 'runs: a registration that is over gets a second run',
    file: runs,
    find: 'WorkflowIdReusePolicy.REJECT_DUPLICATE',
    replace: 'WorkflowIdReusePolicy.ALLOW_DUPLICATE',
    caughtBy: {
      [oneRun]: 'no second run is started',
      'test/interventions.test.ts': 'waited for another card',
    },
  },
  {
    name: 'runs: an open run is not joined',
    file: runs,
    find: 'WorkflowIdConflictPolicy.USE_EXISTING,\n        workflowIdReusePolicy',
    replace: 'WorkflowIdConflictPolicy.FAIL,\n        workflowIdReusePolicy',
    caughtBy: { [oneRun]: 'the order as it is now' },
  },
  {
    name: 'runs: a repeated request is another update',
    file: runs,
    find: 'updateId: paypalOrderId,',
    replace: 'updateId: crypto.randomUUID(),',
    caughtBy: { [oneRun]: 'after the end of the run' },
  },
  {
    name: 'runs: the changed order of a second attempt is left out',
    file: runs,
    find: 'mayDiffer ? [paypalOrderId, order] : [paypalOrderId]',
    replace: '[paypalOrderId]',
    caughtBy: { [oneRun]: 'the order as it is now' },
  },
  {
    name: 'codec: nothing is encrypted',
    file: 'src/temporal/client.ts',
    find: 'encryptionKeys.length > 0\n',
    replace: 'encryptionKeys.length > 1_000\n',
    caughtBy: { [payloads]: 'shows no personal data' },
  },
  {
    name: 'codec: two payloads are encrypted with the same nonce',
    file: codec,
    find: 'randomBytes(IV_BYTES)',
    replace: 'Buffer.alloc(IV_BYTES)',
    caughtBy: { [payloads]: 'same bytes twice' },
  },
  {
    name: 'codec: a payload that was changed is read',
    file: codec,
    find: ', decipher.final()]',
    replace: ']',
    caughtBy: { [payloads]: 'any part of it was changed' },
  },
  {
    name: 'codec: every payload is decrypted with the first key',
    file: codec,
    find: 'byId.get(id)',
    replace: 'current.key',
    caughtBy: { [payloads]: 'at any position' },
  },
  {
    name: 'codec: the last key encrypts',
    file: codec,
    find: 'const [current] = keys;',
    replace: 'const current = keys.at(-1);',
    caughtBy: { [payloads]: 'at any position' },
  },
  {
    name: 'failures: message and stack are stored as they are',
    file: converter,
    find: 'encodeCommonAttributes: true',
    replace: 'encodeCommonAttributes: false',
    caughtBy: { 'test/temporal/failure-converter.test.ts': '', [payloads]: 'shows no personal data' },
  },
  {
    name: 'failures: every message is readable',
    file: converter,
    find: 'const message = readable(error);',
    replace: 'const message = readable(error) ?? error.message;',
    caughtBy: { 'test/temporal/failure-converter.test.ts': 'encodes message and stack' },
  },
  {
    name: 'failures: the log quotes errors as they were thrown',
    file: 'src/temporal/logger.ts',
    find: ': { type: name, code, frames };',
    replace: ': { type: name, code, frames, message };',
    caughtBy: { 'test/temporal/logger.test.ts': '' },
  },
  {
    name: 'history: a cancelled registration is read as refunded',
    file: history,
    find: "cancelled ? 'cancelled' : 'refunded'",
    replace: "'refunded'",
    caughtBy: { [recorded]: 'cancelled.json' },
  },
  {
    name: 'history: a declined payment is read as processing',
    file: history,
    find: "status === 'expired' ? 'expired' : 'declined'",
    replace: "status === 'expired' ? 'expired' : 'processing'",
    caughtBy: { [recorded]: 'another-card.json' },
  },
  {
    name: 'history: a corrected order is not read',
    file: history,
    find: 'const current = changed ?? order;',
    replace: 'const current = order ?? changed;',
    caughtBy: { [recorded]: 'corrected between two attempts' },
  },
  {
    name: 'history: a step that was cancelled is read as failed',
    file: history,
    find: "failed(of.name, 'skipped', undefined, at)",
    replace: "failed(of.name, 'failed', undefined, at)",
    caughtBy: { [recorded]: 'cancelled.json' },
  },
  {
    name: 'progress: nothing is known without a worker',
    file: 'src/temporal/progress.ts',
    find: 'await told.catch(fromHistory)',
    replace: 'await told',
    caughtBy: { 'test/api/outages.test.ts': 'while no worker is running' },
  },
  {
    name: 'progress: a step that is tried again is shown as running',
    file: 'src/temporal/progress.ts',
    find: 'open ? withAttempts(progress, run) : progress',
    replace: 'progress',
    caughtBy: { 'test/api/attendee/registrations.test.ts': 'including steps that are being retried' },
  },
  {
    name: 'worker: it starts threads for a namespace that is not there',
    file: 'src/worker.ts',
    find: 'await connection.workflowService.describeNamespace({ namespace });',
    replace: '',
    caughtBy: { 'test/worker.test.ts': 'namespace that is not there yet' },
  },
];
