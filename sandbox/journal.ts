import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

/** A map whose changes outlive the process; a changed value is `set` again. */
export type StoredMap<T> = Pick<Map<string, T>, 'get' | 'has' | 'set' | 'values' | 'size'>;

/**
 * What the stand-ins remember, as a vendor would: every change is a JSON line in one file, written before the answer is
 * sent and read back at start, so that a killed sandbox has lost nothing. Without a file, memory only.
 */
export function openJournal(file?: string) {
  const maps = new Map<string, Map<string, unknown>>();
  const read = (name: string) => {
    const map = maps.get(name) ?? new Map<string, unknown>();
    maps.set(name, map);
    return map;
  };
  if (file) {
    mkdirSync(dirname(file), { recursive: true });
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    for (const [i, line] of lines.entries()) {
      if (!line) continue;
      try {
        const [name, key, value] = JSON.parse(line) as [string, string, unknown];
        read(name).set(key, value);
      } catch (error) {
        // A kill in the middle of a write leaves half a line at the end, whose answer was never sent: cut it off.
        if (i < lines.length - 1) throw error;
        truncateSync(file, Buffer.byteLength(lines.slice(0, i).join('\n')) + (i ? 1 : 0));
      }
    }
  }

  return {
    /** The map of that name, with what the journal holds of it. */
    map<T>(name: string): StoredMap<T> {
      const map = read(name) as Map<string, T>;
      const stored: StoredMap<T> = {
        get: (key) => map.get(key),
        has: (key) => map.has(key),
        values: () => map.values(),
        get size() {
          return map.size;
        },
        set(key, value) {
          map.set(key, value);
          if (file) appendFileSync(file, `${JSON.stringify([name, key, value])}\n`);
          return map;
        },
      };
      return stored;
    },
  };
}
export type Journal = ReturnType<typeof openJournal>;
