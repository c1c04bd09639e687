import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

/** A map whose changes are persisted. A mutated value must be `set` again. */
export type StoredMap<T> = Pick<Map<string, T>, 'get' | 'has' | 'set' | 'delete' | 'values' | 'size'>;
export type Journal = ReturnType<typeof openJournal>;

/** A change without a value deletes the key. */
type Change = [map: string, key: string, value?: unknown];

/**
 * Persists the sandbox's data. Changes are appended to a file before the response is sent and read at the
 * next start, so that a killed sandbox loses nothing. Each line is a JSON array of changes that are applied
 * atomically. Without a file, data is kept in memory only.
 */
export function openJournal(file?: string) {
  const maps = new Map<string, Map<string, unknown>>();
  const mapOf = (name: string) => {
    const map = maps.get(name) ?? new Map<string, unknown>();
    maps.set(name, map);
    return map;
  };
  if (file !== undefined)
    for (const changes of readLines(file))
      for (const [name, key, ...value] of changes)
        if (value.length > 0) mapOf(name).set(key, value[0]);
        else mapOf(name).delete(key);

  let gathered: Change[] | undefined;
  const append = (changes: Change[]) => {
    if (file !== undefined && changes.length > 0) appendFileSync(file, `${JSON.stringify(changes)}\n`);
  };
  const note = (change: Change) => {
    if (gathered) gathered.push(change);
    else append([change]);
  };

  return {
    /** Returns the map of that name with its persisted content. */
    map<T>(name: string): StoredMap<T> {
      const map = mapOf(name) as Map<string, T>;
      const stored: StoredMap<T> = {
        get: (key) => map.get(key),
        has: (key) => map.has(key),
        values: () => map.values(),
        get size() {
          return map.size;
        },
        set(key, value) {
          map.set(key, value);
          note([name, key, value]);
          return map;
        },
        delete(key) {
          note([name, key]);
          return map.delete(key);
        },
      };
      return stored;
    },

    /** Persists all changes of `work` atomically, so that a kill never leaves a capture without its order. */
    together<T>(work: () => T): T {
      const changes: Change[] = (gathered = []);
      try {
        return work();
      } finally {
        gathered = undefined;
        append(changes);
      }
    },
  };
}

/** Reads the lines of a journal. Discards an incomplete last line, whose request got no response. */
function readLines(file: string): Change[][] {
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Change[]);
}
