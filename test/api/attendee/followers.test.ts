/** Everybody who follows a registration is told each of its states, by one reader for all of them. */
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { createFollowers } from '../../../src/api/attendee/followers.ts';
import type { StatusBody } from '../../../src/api/attendee/schemas.ts';

const stateOf = (status: StatusBody['status']): StatusBody => ({
  id: 'ada',
  reference: 'X',
  status,
  steps: [],
});
const PROCESSING = stateOf('processing');
const CONFIRMED = stateOf('confirmed');
const event = (status: StatusBody) => `data: ${JSON.stringify(status)}\n\n`;
const DONE = 'event: done\ndata: {}\n\n';

/** Followers of a registration with these states, one after the other. */
function followersOf(...states: StatusBody[]) {
  const read = vi.fn((_id: string) => Promise.resolve(states.length > 1 ? states.shift() : states[0]));
  const closing = new AbortController();
  const { follow } = createFollowers(read as (id: string) => Promise<StatusBody>, closing.signal);
  return { follow, read, close: () => closing.abort() };
}

describe('many who follow one registration', () => {
  it('share one reader, and each is told each state once and the end', async () => {
    const { follow, read } = followersOf(PROCESSING, PROCESSING, CONFIRMED);
    const first = await follow('ada');
    const others = await Promise.all(Array.from({ length: 9 }, () => follow('ada')));
    for (const told of await Promise.all([first, ...others].map(text)))
      expect(told).toBe(event(PROCESSING) + event(CONFIRMED) + DONE);
    expect(read).toHaveBeenCalledTimes(3);
  });

  it('share it with those who come later, who are told the last known state at once', async () => {
    const { follow, read } = followersOf(PROCESSING, CONFIRMED);
    const first = await follow('ada');
    const later = await follow('ada');
    expect(await Promise.all([first, later].map(text))).toEqual(
      Array.from({ length: 2 }, () => event(PROCESSING) + event(CONFIRMED) + DONE),
    );
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('have no reader when they are gone: the next one starts anew', async () => {
    const { follow, read } = followersOf(PROCESSING);
    for (const stream of [await follow('ada'), await follow('ada')]) stream.destroy();
    expect(read).toHaveBeenCalledTimes(1);
    await vi.waitUntil(
      async () => {
        const before = read.mock.calls.length;
        (await follow('ada')).destroy();
        return read.mock.calls.length > before;
      },
      { timeout: 5000 },
    );
  });

  it('are let go when the api stops', async () => {
    const { follow, close } = followersOf(PROCESSING);
    const told = text(await follow('ada'));
    close();
    expect(await told).toBe(event(PROCESSING));
    expect(await text(await follow('ada'))).toBe(event(PROCESSING));
  });
});
