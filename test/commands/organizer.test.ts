/** `npm run organizer`: accounts of organizers without any mail. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { listOrganizers } from '../../src/database/organizers.ts';
import { startSession } from '../../src/database/sessions.ts';
import { hash } from '../../src/hash.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  store = await createDatabase();
});
beforeEach(() => store.database('organizers').delete());
afterAll(() => store.drop());

const script = fileURLToPath(new URL('../../src/commands/organizer.ts', import.meta.url));
/** Runs the command with nothing set but the database and the public address. */
const run = (words: string[], settings: Record<string, string> = {}) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: store.url,
      PUBLIC_URL: 'https://tickets.example.org/',
    };
    const args = ['--import', 'tsx', script, ...words];
    execFile(process.execPath, args, { env: { ...env, ...settings } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
const people = async () =>
  (await listOrganizers(store.database)).map(({ email, role, name }) => [email, role, name]);
const use = (out: string) => {
  const [, token = ''] =
    /^https:\/\/tickets\.example\.org\/organizer\/sign-in\/([\w-]{43})$/m.exec(out) ?? [];
  const session = { tokenHash: token, csrfSecret: 'x', language: 'en' as const };
  return startSession(store.database, hash(token), session);
};

it('adds somebody and prints a link that signs in once', { timeout: 60_000 }, async () => {
  const { code, out } = await run(['add', 'ada@example.org', 'owner', 'Ada', 'Example']);
  expect(code).toBe(0);
  expect(await people()).toEqual([['ada@example.org', 'owner', 'Ada Example']]);
  expect(await use(out)).toBe(true);
  expect(await use(out)).toBe(false);
});

it(
  'gives somebody who is there another role and name, and lists and removes people',
  { timeout: 60_000 },
  async () => {
    expect((await run(['list'])).out).toMatch(/^There are no organizers/);
    await run(['add', 'ada@example.org', 'owner']);
    await run(['add', 'grace@example.org', 'door', 'Grace']);
    const { out } = await run(['add', 'GRACE@example.org', 'accountant', 'Grace Example']);
    expect(await use(out)).toBe(true);
    await run(['add', 'grace@example.org', 'organizer']);
    expect((await run(['list'])).out).toBe(
      'ada@example.org    owner\ngrace@example.org  organizer   Grace Example\n',
    );
    expect(await run(['remove', 'Grace@example.org'])).toMatchObject({ code: 0, err: '' });
    expect(await people()).toEqual([['ada@example.org', 'owner', null]]);
  },
);

it(
  'refuses the last owner, and everything that it does not understand, in one sentence',
  { timeout: 120_000 },
  async () => {
    await run(['add', 'ada@example.org', 'owner']);
    for (const [words, sentence] of [
      [['remove', 'ada@example.org'], /only owner/],
      [['add', 'ada@example.org', 'door'], /only owner/],
      [['remove', 'nobody@example.org'], /No organizer has/],
      [[], /^Usage: /],
      [['rename', 'ada@example.org'], /^Usage: /],
      [['add', 'ada@example.org'], /^Usage: /],
      [['add', 'ada@nowhere', 'owner'], /e-mail address/],
      [['add', 'x@example.org', 'king'], /^The role must be one of owner, organizer, accountant, door/],
      [['add', 'x@example.org', 'door', 'www.evil.example'], /^The name must/],
    ] as const) {
      const { code, out, err } = await run([...words]);
      expect([words, code, out]).toEqual([words, 1, '']);
      expect(err).toMatch(sentence);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    const away = await run(['list'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
    expect([away.code, away.err]).toEqual([1, 'Cannot ask PostgreSQL: ECONNREFUSED\n']);
    expect((await run(['list'], { DATABASE_URL: '' })).err).toContain('DATABASE_URL is missing');
    expect(await people()).toEqual([['ada@example.org', 'owner', null]]);
  },
);
