/** Other users of the machine look into the files of `npm start`, which hold names, addresses and keys. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDataFolder } from '../../sandbox/servers/data-folder.ts';
import { start } from '../../sandbox/servers/process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registration-modes-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (...path: string[]) => (statSync(join(folder, ...path)).mode & 0o777).toString(8);

it('a new folder is open to its user only, and what processes write there, too', async () => {
  const data = join(folder, 'data');
  openDataFolder(data);
  expect([modeOf('data'), modeOf('data', 'logs')]).toEqual(['700', '700']);
  const script = `console.log('Ada'); require('fs').mkdirSync('made'); require('fs').writeFileSync('made/file', 'Ada')`;
  const logFile = join(data, 'logs', 'part.log');
  const part = await start('part', process.execPath, ['-e', script], { logFile, cwd: data });
  expect(await part.ended).toBe('exit code 0');
  expect([modeOf('data', 'made'), modeOf('data', 'made', 'file')]).toEqual(['700', '600']);
  expect([modeOf('data', 'logs', 'part.log'), modeOf('data', 'logs', 'part.pid')]).toEqual(['600', '600']);
});

it('a folder of an earlier version is closed, with all its files', () => {
  mkdirSync(join(folder, 'logs'), { mode: 0o755 });
  const files = [
    'keys.json',
    'temporal.sqlite',
    'temporal.sqlite-wal',
    'sandbox.jsonl',
    'logs/api.log',
    'logs/api.pid',
  ];
  for (const file of files) writeFileSync(join(folder, file), 'Ada', { mode: 0o644 });
  openDataFolder(folder);
  expect([modeOf(), modeOf('logs')]).toEqual(['700', '700']);
  expect(files.map((file) => modeOf(file))).toEqual(files.map(() => '600'));
});

it('a folder that others use is refused and stays as it is', () => {
  writeFileSync(join(folder, 'letters.txt'), 'Dear Ada', { mode: 0o644 });
  expect(() => {
    openDataFolder(folder);
  }).toThrow(/^DATA_DIR must be a folder of its own: .* contains letters\.txt\.$/);
  expect([modeOf(), modeOf('letters.txt'), readdirSync(folder)]).toEqual(['755', '644', ['letters.txt']]);
});
