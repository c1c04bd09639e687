/** The folder of everything that `npm start` stores: names, addresses, keys and logs. */
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the folder holds besides `logs`, and the folder of PostgreSQL, which takes care of its own files. */
const FILE = /^(keys\.json|temporal\.sqlite(-wal|-shm)?|sandbox\.jsonl)$/;
/** `temporal` is the folder of a cluster's configuration. */
const FOLDERS = ['logs', 'postgres', 'temporal'];
/** The first start makes it. */
const KEYS = 'keys.json';

/**
 * Makes the folder, and closes it and its files to all other users of the machine, also those of a folder that exists already.
 * @param passer must be able to pass through it: the user of PostgreSQL, where that is another one
 * @throws Error when the folder is not one of its own: others may need what it contains
 */
export function openDataFolder(folder: string, passer: { uid?: number; gid?: number } = {}): void {
  const contents = existsSync(folder) ? readdirSync(folder) : [];
  const foreign = contents.find((name) => !FILE.test(name) && !FOLDERS.includes(name));
  if (foreign !== undefined && !contents.includes(KEYS))
    throw new Error(`DATA_DIR must be a folder of its own: ${folder} contains ${foreign}.`);
  const logs = join(folder, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  for (const place of [folder, logs]) chmodSync(place, 0o700);
  if (passer.uid !== undefined && passer.gid !== undefined) chownSync(folder, passer.uid, passer.gid);
  const files = [
    ...contents.filter((name) => FILE.test(name)).map((name) => join(folder, name)),
    ...readdirSync(logs).map((name) => join(logs, name)),
  ];
  for (const file of files) if (lstatSync(file).isFile()) chmodSync(file, 0o600);
}
