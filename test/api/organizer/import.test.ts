/** Organizers import files over HTTP: a check that adds nobody, and a run that adds each person once. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { importWorkflowId } from '../../../src/addition.ts';
import { addOrder } from '../../../src/database/additions.ts';
import { beginImport } from '../../../src/database/imports.ts';
import { purge } from '../../../src/database/purge.ts';
import { listDeskEntries } from '../../../src/database/desk-history.ts';
import { MOST_BYTES } from '../../../src/imports/file.ts';
import { erase } from '../../../src/registrations/erasure.ts';
import { workflowId } from '../../../src/registration.ts';
import { startStack, texts, type Stack } from '../../stack.ts';
import { aSignedIn, BROWSER, HERE, type SignedIn } from './desk.ts';

let stack: Stack;
let organizer: SignedIn & { id: string };
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 8000 });
  await stack.startWorker();
  organizer = await aSignedIn(stack, 'organizer');
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const PATH = '/organizer/import';
const HEADER = 'Vorname;Nachname;E-Mail;Ticketart;Zahlung;Notiz';
let people = 0;
/** Somebody with an e-mail address of their own, and a row for them. */
function somebody({ ticket = 'Regular', payment = 'Freikarte', note = '' } = {}) {
  const email = `row${++people}@example.org`;
  return { email, row: `Ada;Example;${email};${ticket};${payment};${note}` };
}
const fileOf = (...rows: string[]) => [HEADER, ...rows].join('\r\n');

/** Sends the form with a file, as a browser does. */
async function upload(
  content: string | Buffer,
  {
    action = randomUUID(),
    csrf,
    event = 'conference',
  }: { action?: string; csrf?: string; event?: string } = {},
  as: SignedIn = organizer,
) {
  const form = new FormData();
  form.set('_csrf', csrf ?? (await as.csrf()));
  form.set('action', action);
  form.set('event', event);
  form.set('text', '');
  form.set('file', new Blob([new Uint8Array(Buffer.from(content))]), 'people.csv');
  const request = new Request('http://localhost', { method: 'POST', body: form });
  return stack.app.inject({
    ...{ method: 'POST', url: PATH, cookies: as.cookies },
    payload: Buffer.from(await request.arrayBuffer()),
    headers: { accept: BROWSER, origin: HERE, 'content-type': request.headers.get('content-type') ?? '' },
  });
}
const idIn = (location: unknown) => String(location).split('/').pop() ?? '';
const pageOf = async (id: string) => (await organizer.get(`${PATH}/${id}`)).body;
const handleOf = (id: string) => stack.temporal.workflow.getHandle(importWorkflowId(id));
const mailsTo = (email: string) => stack.sandbox.ledger().mails.filter(({ to }) => to[0]?.email === email);
const ordersOf = (email: string) =>
  stack.database('orders').where({ email }).select<{ id: string; reference: string }[]>('id', 'reference');

/** Uploads a file and returns the id of its import. */
async function checked(...rows: string[]): Promise<string> {
  const answer = await upload(fileOf(...rows));
  expect(answer.statusCode).toBe(303);
  return idIn(answer.headers.location);
}
const confirm = (id: string) => organizer.post(`${PATH}/${id}`, { action: id });
/** Confirms an import, and waits for its end and for all mails. */
async function done(id: string): Promise<string> {
  expect((await confirm(id)).statusCode).toBe(303);
  await handleOf(id).result();
  const added = await stack
    .database('additions')
    .where({ import_id: id, state: 'added' })
    .pluck<string[]>('id');
  for (const registration of added)
    await stack.temporal.workflow.getHandle(workflowId(registration)).result();
  return pageOf(id);
}

describe('the check', () => {
  it('adds nobody, and tells faults by line, people who are registered already, and how many seats are left', async () => {
    const [known, fine, grace] = [somebody(), somebody({ ticket: 'limited' }), somebody()];
    await done(await checked(known.row));
    const other = known.row.replace('Ada', 'Grace');
    const id = await checked(
      ...[fine.row, other, somebody({ payment: '' }).row, somebody({ ticket: 'Balcony' }).row],
      ...[grace.row, grace.row.toUpperCase().replace('FREIKARTE', 'Freikarte'), known.row],
      ...Array.from({ length: 2 }, () => somebody({ ticket: 'Limited' }).row),
      'Carl;Example;carl;Regular;anderswo;',
    );
    const page = await pageOf(id);
    for (const text of [
      '5 registrations would be added',
      'Line 4, payment:</strong> This is needed.',
      'Line 5, ticketType:</strong> The event has no such ticket type.',
      'Line 11, email:</strong> Enter an email address',
      'Line 11, note:</strong> Write what the payment is found by',
      'Line 7 says the same as line 6',
      'left out: line 8.',
      'added nevertheless: line 3.',
      'Limited: 3 registrations, but 2 seats left',
      'Add 5 registrations',
    ])
      expect(page, text).toContain(text);
    expect(page).not.toContain('carl');
    expect(await ordersOf(fine.email)).toEqual([]);
    expect(await listDeskEntries(stack.database)).not.toContainEqual(
      expect.objectContaining({ facts: { count: 5 } }),
    );
  });

  it('takes rows that were pasted, also in a form without files', async () => {
    const one = somebody();
    const fields = { action: randomUUID(), event: 'conference', text: fileOf(one.row) };
    const answer = await organizer.post(PATH, fields);
    expect(answer.statusCode).toBe(303);
    expect(await pageOf(idIn(answer.headers.location))).toContain('1 registration would be added');
    const again = await organizer.post(PATH, { ...fields, text: 'Ada,Example' });
    expect([again.statusCode, again.body]).toEqual([422, expect.stringContaining('Ada,Example</textarea>')]);
  });

  it.each<[string, string | Buffer, string]>([
    [
      'without UTF-8',
      Buffer.from(fileOf('José;Example;a@example.org;Regular;Freikarte;'), 'latin1'),
      'not saved as UTF-8',
    ],
    ['without rows', '', 'Choose a file, or paste rows'],
    [
      'without columns',
      'Ada;Example\nGrace;Example',
      'missing in the first row: firstName, lastName, email, ticketType',
    ],
  ])('refuses a file %s in plain words', async (_name, content, told) => {
    const answer = await upload(content);
    expect([answer.statusCode, answer.body]).toEqual([422, expect.stringContaining(told)]);
  });

  it('refuses a file that is too large, and one that is no form at all', async () => {
    const large = await upload('x'.repeat(MOST_BYTES + 1));
    expect([large.statusCode, large.body]).toEqual([413, expect.stringContaining('larger than 2 MB')]);
    const broken = await stack.app.inject({
      ...{ method: 'POST', url: PATH, cookies: organizer.cookies, payload: 'nothing' },
      headers: { accept: BROWSER, origin: HERE, 'content-type': 'multipart/form-data' },
    });
    expect(broken.statusCode).toBe(400);
    const elsewhere = await stack.app.inject({
      ...{ method: 'POST', url: '/organizer/people', cookies: organizer.cookies, payload: 'nothing' },
      headers: { accept: BROWSER, origin: HERE, 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect([403, 415]).toContain(elsewhere.statusCode);
  });

  it('takes a form with a file only with the token of its session', async () => {
    const [other, one] = [await aSignedIn(stack, 'organizer'), somebody()];
    const before = await stack.database('imports').count();
    for (const csrf of ['', 'made up', await other.csrf()])
      expect((await upload(fileOf(one.row), { csrf })).statusCode).toBe(403);
    expect(await stack.database('imports').count()).toEqual(before);
    expect((await upload(fileOf(one.row), {}, await aSignedIn(stack, 'accountant'))).statusCode).toBe(403);
  });

  it('is the same import for the same file in the same form, and another one for another file', async () => {
    const action = randomUUID();
    const [one, two] = [somebody(), somebody()];
    const sent = await Promise.all([one, one, two].map(({ row }) => upload(fileOf(row), { action })));
    const [first, same, other] = sent.map(({ headers }) => headers.location);
    expect(same).toBe(first);
    expect(other).not.toBe(first);
  });
});

describe('the import', () => {
  it('adds each person with one mail, tells each reason, and forgets what the file said', async () => {
    const all = [
      ...Array.from({ length: 4 }, () => somebody()),
      somebody({ payment: 'anderswo', note: 'Invoice 7' }),
      somebody({ ticket: 'Balcony' }),
    ];
    const id = await checked(...all.map(({ row }) => row));
    const full = somebody({ ticket: 'free', payment: 'free' });
    const short = await checked(full.row);
    await stack.database('ticket_types').where({ id: 'free' }).update({ capacity: 0 });
    const page = await done(id);
    expect(page).toContain('The import is done');
    for (const { email } of all.slice(0, 5)) {
      expect(await ordersOf(email)).toHaveLength(1);
      expect(mailsTo(email)).toHaveLength(1);
    }
    expect(texts(mailsTo(all[0]?.email ?? '')).join('\n')).toContain('Complimentary');
    expect(await stack.database('orders').where({ email: all[4]?.email })).toMatchObject([
      { source: 'import', payment: 'elsewhere', amount_minor: 12_000 },
    ]);
    expect(await ordersOf(all[5]?.email ?? '')).toEqual([]);

    expect(await done(short)).toContain('Line 2:</strong> No seat of the ticket type was left.');
    expect(mailsTo(full.email)).toEqual([]);
    const kept = JSON.stringify([
      await stack.database('additions').whereIn('import_id', [id, short]),
      await stack.database('imports').whereIn('id', [id, short]),
      await listDeskEntries(stack.database),
    ]);
    for (const personal of ['Ada', 'row', 'Invoice']) expect(kept).not.toContain(personal);
    expect(await listDeskEntries(stack.database)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'import-begun', facts: { count: 5 } }),
        expect.objectContaining({ kind: 'import-done', facts: { added: 5, failed: 0 } }),
      ]),
    );
  });

  it('adds nobody twice: by a double click, by the same file again, and by the same rows in another file', async () => {
    const all = Array.from({ length: 3 }, () => somebody());
    const rows = all.map(({ row }) => row);
    const id = await checked(...rows);
    // Checked before the first one is confirmed, so that its rows are not known to be there yet.
    const early = await checked(...rows.toReversed());
    await Promise.all([confirm(id), confirm(id)]);
    const page = await done(early);
    await done(id);
    expect(page.match(/Already added by an import/g) ?? []).toHaveLength(
      3 - (await stack.database('additions').where({ import_id: early, state: 'added' })).length,
    );
    const late = await checked(...rows, somebody().row);
    expect(await pageOf(late)).toContain('Already added by an import, and left out: lines 2, 3, 4.');
    await done(late);
    for (const { email } of all) {
      expect(await ordersOf(email)).toHaveLength(1);
      expect(mailsTo(email)).toHaveLength(1);
    }
  });

  it('can be gone on with after its run was stopped, and adds and mails nobody twice', async () => {
    const all = Array.from({ length: 6 }, () => somebody());
    const id = await checked(...all.map(({ row }) => row));
    await stack.stopWorkers();
    await confirm(id);
    await handleOf(id).terminate();
    await stack.startWorker();
    expect(await pageOf(id)).toContain('Go on with the import');
    expect(await done(id)).toContain('The import is done');
    // A run that was stopped between the order and the run of the registration.
    await stack.database('imports').where({ id }).update({ state: 'running', report: '{}' });
    await stack.database('additions').where({ import_id: id }).update({ has_run: false });
    await stack.temporal.workflow.start('importRegistrations', {
      ...{ workflowId: importWorkflowId(id), taskQueue: stack.taskQueue, args: [id] },
    });
    await handleOf(id).result();
    for (const { email } of all) {
      expect(await ordersOf(email)).toHaveLength(1);
      expect(mailsTo(email)).toHaveLength(1);
    }
  });

  it('starts the runs of people who were added by a run that was stopped, and would still have no mail', async () => {
    const one = somebody();
    const id = await checked(one.row);
    const [registration = ''] = await stack
      .database('additions')
      .where({ import_id: id })
      .pluck<string[]>('id');
    await beginImport(stack.database, id, organizer.id);
    await addOrder(stack.database, registration);
    expect(await pageOf(id)).toContain('Go on with the import');
    await done(id);
    expect(mailsTo(one.email)).toHaveLength(1);
  });

  it('lets nobody wait for a mail that is stuck', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing' });
    const all = Array.from({ length: 3 }, () => somebody());
    const id = await checked(...all.map(({ row }) => row));
    await confirm(id);
    await handleOf(id).result();
    expect(all.map(({ email }) => mailsTo(email).length)).toEqual([0, 0, 0]);
    stack.sandbox.faults.clear();
    await vi.waitUntil(() => all.every(({ email }) => mailsTo(email).length === 1), { timeout: 20_000 });
  });
});

describe('what is kept', () => {
  it('of a file that nobody confirms is deleted after a day, and of an import when the event is over', async () => {
    const [one, two] = [somebody(), somebody()];
    const [left, made] = [await checked(one.row), await checked(two.row)];
    await done(made);
    const is = async (id: string) => (await stack.database('imports').where({ id })).length;
    await purge(stack.database);
    expect(await is(left)).toBe(1);
    await stack.database.raw("update imports set created_at = now() - interval '25 hours'");
    await purge(stack.database);
    expect([await is(left), await is(made)]).toEqual([0, 1]);
    expect(await stack.database('additions').where({ email: one.email })).toEqual([]);
    expect((await confirm(left)).statusCode).toBe(404);
    await stack.database('events').update({ starts_at: new Date(0), ends_at: new Date(1) });
    await purge(stack.database);
    await stack.database('events').update({ ends_at: new Date('2099-01-01') });
    expect(await stack.database('imports')).toEqual([]);
    expect(await stack.database('import_keys')).toEqual([]);
    expect(await ordersOf(two.email)).toHaveLength(1);
  });

  it('does not recognize a person after their erasure', async () => {
    const one = somebody();
    await done(await checked(one.row));
    const [order] = await ordersOf(one.email);
    const addition = () =>
      stack.database('additions').where({ id: order?.id }).first<{ identity: unknown }>();
    expect((await addition()).identity).toMatch(/^[\w-]{43}$/);
    expect(await erase(stack, order?.reference ?? '')).toMatchObject({ outcome: 'erased', histories: 1 });
    expect((await addition()).identity).toBeNull();
    expect(await ordersOf(one.email)).toEqual([]);
  });
});
