/** What may be said about an error that nobody expected: where it was thrown, and nothing that it quotes. */

/** `name` and `code` look like identifiers; `frames` are the stack's lines without the message, innermost first. */
export type Trace = { name: string; code?: string; frames: string[] };

const FRAMES = 12;

/**
 * The parts of an error that carry no data. Messages are left out, because SDK errors quote keys and request bodies, and
 * errors of the database quote rows.
 */
export function traceOf(error: unknown): Trace {
  const { name, code, stack } = Object(error) as Record<'name' | 'code' | 'stack', unknown>;
  const isWord = (value: unknown): value is string => typeof value === 'string' && /^\w+$/.test(value);
  return {
    name: isWord(name) ? name : 'Error',
    ...(isWord(code) ? { code } : {}),
    frames: (typeof stack === 'string' ? (stack.match(/^ {4}at .*$/gm) ?? []) : [])
      .slice(0, FRAMES)
      .map((frame) => frame.trim()),
  };
}

/** The shortest word for an error: its code, or else its name. */
export const wordFor = (error: unknown): string => {
  const { code, name } = traceOf(error);
  return code ?? name;
};
