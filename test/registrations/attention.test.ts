/** Workers look after what needs attention: stopped runs, steps whose outcome is missing, and alerts to the owners. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { decideAlerts, takeAlertMail } from '../../src/database/alerts.ts';
import { CONDITIONS } from '../../src/database/desk/attention.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { workflowId } from '../../src/registration.ts';
import { lookAfter } from '../../src/registrations/attention.ts';
import { catchUp } from '../../src/registrations/catch-up.ts';
import { LANGUAGES } from '../../src/registration.ts';
import { alertMail } from '../../src/web/emails/alert.ts';
import { aForm } from '../../stage/person.ts';
import { aPerson } from '../api/organizer/desk.ts';
import { anOrder, aRefund } from '../api/organizer/orders.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../stack.ts';
import { isLeftWith } from '../workflows/dev-server.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 3000 });
  await stack.startWorker();
});
const TABLES = [
  'orders',
  'refunds',
  'seat_holds',
  'step_outcomes',
  'stopped_runs',
  'alerts',
  'attention_items',
];
beforeEach(async () => {
  for (const table of [...TABLES, 'background_jobs', 'organizers']) await stack.database(table).delete();
  await stack.database('ticket_types').update({ sold: 0 });
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const look = (more: Parameters<typeof lookAfter>[1] = {}, dependencies: Partial<Stack> = {}) =>
  lookAfter({ ...stack, ...dependencies }, { everySeconds: 0, olderThanMinutes: 0, ...more });
/** A worker that cannot reach Temporal. */
const away = () => connectTemporal(loadConfig({ ...stack.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' }));
const runOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const found = () =>
  stack.database('stopped_runs').orderBy('kind').select('registration_id as id', 'kind', 'run');
const lookedAt = async () =>
  (await stack.database('background_jobs').first<{ succeeded_at: Date | null }>('succeeded_at')).succeeded_at;
const stepsOf = (id: string) =>
  stack
    .database('step_outcomes')
    .where({ registration_id: id })
    .orderBy('step')
    .select('step', 'state', 'failure');

describe('a stopped run', () => {
  it('is found while something is left to do, and forgotten when that is done', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing' });
    const [ada, paying] = [anAttendee(stack, aForm({ newsletter: false })), anAttendee(stack)];
    expect([201, 202]).toContain((await ada.register()).statusCode);
    await isLeftWith(runOf(ada.id), 'sendConfirmation');
    expect((await paying.register(CARDS.pending)).statusCode).toBe(202);
    await isLeftWith(runOf(paying.id), 'settlePayment');
    expect(await look()).toBe(true);
    expect(await found()).toEqual([]);
    await Promise.all([runOf(ada.id).terminate(), runOf(paying.id).terminate()]);
    await vi.waitUntil(
      async () => {
        await look();
        return (await found()).length === 2;
      },
      { timeout: 20_000 },
    );
    expect(await found()).toEqual([
      { id: paying.id, kind: 'payment', run: 'TERMINATED' },
      { id: ada.id, kind: 'registration', run: 'TERMINATED' },
    ]);
    const at = await lookedAt();

    // While Temporal is away, what was found stands, and alerts are decided all the same.
    const temporal = away();
    await expect(look({}, { temporal })).rejects.toThrow();
    await temporal.connection.close();
    expect(await found()).toHaveLength(2);
    expect(await lookedAt()).toEqual(at);
    expect(await stack.database('attention_items').pluck('condition')).toHaveLength(2);

    // An organizer sends the confirmation again, and the payment is given up.
    await stack.database('step_outcomes').where({ registration_id: ada.id }).update({ state: 'done' });
    await stack.database('seat_holds').where({ id: paying.id }).delete();
    await look();
    expect(await found()).toEqual([]);
  });

  it('is looked for by one worker at a time, also after a worker died in its turn', async () => {
    const turns = await Promise.all(Array.from({ length: 5 }, () => look({ everySeconds: 180 })));
    expect(turns.filter(Boolean)).toHaveLength(1);
    expect(await look({ everySeconds: 180 })).toBe(false);
    await stack
      .database('background_jobs')
      .update({ begun_at: new Date(Date.now() - 181_000), succeeded_at: null });
    expect(await look({ everySeconds: 180 })).toBe(true);
    expect(await lookedAt()).not.toBeNull();
  });
});

describe('a step whose outcome is missing', () => {
  it('gets the one that Temporal knows', async () => {
    const ada = anAttendee(stack);
    await ada.register();
    await runOf(ada.id).result();
    // As if the database had been away when the mail was sent.
    await stack.database('step_outcomes').update({ state: 'open', since: new Date(Date.now() - 900_000) });
    await catchUp(stack);
    expect(await stepsOf(ada.id)).toEqual([
      { step: 'email', state: 'done', failure: null },
      { step: 'mailing-list', state: 'done', failure: null },
    ]);
  });

  it('is asked about in turn, so that those that wait do not keep others from being asked about', async () => {
    const waiting = await Promise.all(Array.from({ length: 3 }, () => anOrder(stack.database)));
    for (const [n, id] of waiting.entries())
      await stack
        .database('step_outcomes')
        .insert({ registration_id: id, step: 'email', since: new Date(Date.now() - 900_000 + n) });
    const asked = async () =>
      (await stack.database('step_outcomes').whereNotNull('checked_at').pluck('registration_id')).length;
    for (const expected of [1, 2, 3]) {
      await catchUp(stack, { most: 1 });
      expect(await asked()).toBe(expected);
    }
  });

  it('that an organizer has done again is not taken for done because it was done before', async () => {
    const ada = anAttendee(stack);
    await ada.register();
    await runOf(ada.id).result();
    await stack.database('step_outcomes').update({ state: 'open', by_desk: true, since: new Date(0) });
    await catchUp(stack);
    expect((await stepsOf(ada.id)).map(({ state }: { state: string }) => state)).toEqual(['open', 'open']);
  });
});

describe('an alert', () => {
  const alertsTo = (email?: string) =>
    stack.sandbox
      .ledger()
      .mails.filter(
        ({ categories, to }) => categories.includes('alert') && (!email || to[0]?.email === email),
      )
      .map(({ subject }) => subject);
  /** Lets time pass: everything that is known now was noticed `minutes` earlier, and mails were tried earlier. */
  const pass = async (minutes: number) => {
    const { database } = stack;
    const earlier = (column: string) => database.raw(`${column} - make_interval(mins => ?)`, [minutes]);
    await database('attention_items').update({ since: earlier('since') });
    await database('alert_mails').update({ tried_at: earlier('tried_at') });
  };
  const owner = (language: string) =>
    aPerson(stack, 'owner').then(async (person) => {
      await stack.database('organizers').where({ id: person.id }).update({ language });
      return person.email;
    });
  const refused = async () => {
    const id = await anOrder(stack.database);
    await aRefund(stack.database, id, { state: 'refused', word: 'X' });
    return id;
  };
  const BEGUN = 'Needs attention: Refund refused by PayPal (registration.test)';
  const OVER = 'Over: Refund refused by PayPal (registration.test)';

  it('is mailed to each owner in their language when something stays for an hour, and when it is over', async () => {
    const [english, german] = [await owner('en'), await owner('de')];
    await aPerson(stack, 'organizer');
    const before = alertsTo().length;
    await refused();
    await look();
    await pass(59);
    await look();
    expect(alertsTo()).toHaveLength(before);
    await pass(1);
    for (let n = 0; n < 3; n++) await look();
    expect([alertsTo(english), alertsTo(german)]).toEqual([
      [BEGUN],
      ['Braucht Aufmerksamkeit: Erstattung von PayPal abgelehnt (registration.test)'],
    ]);
    // More of the same is no news.
    await refused();
    await pass(120);
    await look();
    await stack.database('refunds').delete();
    for (let n = 0; n < 3; n++) await look();
    expect(alertsTo(english)).toEqual([BEGUN, OVER]);
    expect(alertsTo()).toHaveLength(before + 4);
    // The next time is another alert.
    await refused();
    await look();
    await pass(60);
    await look();
    expect(alertsTo(english)).toEqual([BEGUN, OVER, BEGUN]);
  });

  it('is not mailed for what comes and goes within the hour', async () => {
    const email = await owner('en');
    for (let n = 0; n < 3; n++) {
      await stack.database('refunds').delete();
      await refused();
      await look();
      await pass(40);
    }
    await stack.database('refunds').delete();
    await look();
    expect(alertsTo(email)).toEqual([]);
    expect(await stack.database('alerts').select()).toEqual([]);
  });

  it('is not mailed for one that comes back, although another one was there meanwhile', async () => {
    const email = await owner('en');
    const again = await refused();
    await look();
    await pass(40);
    await stack.database('refunds').delete();
    await refused();
    await look();
    await pass(40);
    await stack.database('refunds').delete();
    await aRefund(stack.database, again, { state: 'refused', word: 'X' });
    await look();
    await pass(40);
    await look();
    expect(alertsTo(email)).toEqual([]);
  });

  it('is mailed once, however many workers look at once and wherever one of them dies', async () => {
    const email = await owner('en');
    await refused();
    await look();
    await pass(60);
    // A worker dies when it has taken the mail, and before it is sent. Until then nobody else may send it.
    await decideAlerts(stack.database);
    expect(await takeAlertMail(stack.database)).toMatchObject({ kind: 'begun', to: { email } });
    await look();
    expect(alertsTo(email)).toEqual([]);
    await pass(3);
    await Promise.allSettled(Array.from({ length: 5 }, () => look()));
    expect(alertsTo(email)).toEqual([BEGUN]);
    await stack.database('refunds').delete();
    await Promise.allSettled(Array.from({ length: 5 }, () => look()));
    expect(alertsTo(email)).toEqual([BEGUN, OVER]);
  });

  it('is late while SendGrid is away, and neither lost nor out of order', async () => {
    const email = await owner('en');
    await refused();
    await look();
    await pass(60);
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    await expect(look()).rejects.toThrow();
    await stack.database('refunds').delete();
    stack.sandbox.faults.clear();
    // The first try may still be under way somewhere.
    await look();
    expect(alertsTo(email)).toEqual([]);
    await pass(3);
    await look();
    expect(alertsTo(email)).toEqual([BEGUN, OVER]);
  });

  it('is neither sent to somebody who was removed, nor tried again after SendGrid refused the address', async () => {
    const email = await owner('en');
    const gone = await owner('en');
    await refused();
    await look();
    await pass(60);
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 400, times: 1 });
    await stack.database('organizers').where({ email: gone }).update({ removed_at: new Date() });
    await look();
    await pass(3);
    await look();
    expect([alertsTo(email), alertsTo(gone)]).toEqual([[], []]);
  });

  it('names nobody, and needs Temporal for nothing', async () => {
    const email = await owner('en');
    const id = await refused();
    const temporal = away();
    await expect(look({}, { temporal })).rejects.toThrow();
    await pass(60);
    await expect(look({}, { temporal })).rejects.toThrow();
    await temporal.connection.close();
    const mail = stack.sandbox
      .ledger()
      .mails.find(({ to, categories }) => to[0]?.email === email && categories.includes('alert'));
    const text = texts(mail).join('\n');
    expect(text).toContain('http://registration.test/organizer/registrations?attention=refund-refused');
    expect(text).toContain('1 registration needs attention');
    expect(text).not.toMatch(new RegExp(`Ada|ada@|Example|${id}`));
  });

  it.each(LANGUAGES)('has a mail for every condition in %s', (language) => {
    for (const condition of CONDITIONS)
      for (const kind of ['begun', 'over'] as const) {
        const alert = { condition, kind, count: 2, beganAt: new Date(), language } as const;
        const mail = alertMail({ ...alert, publicUrl: 'https://x.example', site: stack.config });
        expect(mail.subject).toContain('x.example');
        expect(mail.text + mail.html).not.toMatch(/undefined|\{\w+[,}]/);
      }
  });
});

it('keeps what became of mail and newsletter when Temporal has forgotten the run', async () => {
  const [ada, without] = [anAttendee(stack), anAttendee(stack, aForm({ newsletter: false }))];
  for (const person of [ada, without]) expect((await person.register()).statusCode).toBe(201);
  const stateOf = async (person: typeof ada) =>
    (await person.status())
      .json<{ steps: { name: string; state: string }[] }>()
      .steps.map(({ name, state }) => `${name} ${state}`);
  for (const { id } of [ada, without]) {
    await runOf(id).result();
    const workflowExecution = { workflowId: workflowId(id) };
    const { namespace } = stack.temporal.options;
    await stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
    await vi.waitUntil(
      async () =>
        !(await runOf(id)
          .describe()
          .catch(() => undefined)),
      { timeout: 20_000 },
    );
  }
  expect(await stateOf(ada)).toEqual(['payment done', 'order done', 'email done', 'mailing-list done']);
  expect(await stateOf(without)).toEqual([
    'payment done',
    'order done',
    'email done',
    'mailing-list skipped',
  ]);
  // An order of before: nothing is known.
  await stack.database('step_outcomes').delete();
  expect(await stateOf(ada)).toEqual(['payment done', 'order done']);
  await stack.database('step_outcomes').insert({
    ...{ registration_id: ada.id, step: 'email', since: new Date(Date.now() - 32 * 86_400_000) },
    ...{ attempts: 700, failure: 'SendGridAuth', word: randomUUID().slice(0, 8) },
  });
  expect(await stateOf(ada)).toEqual(['payment done', 'order done', 'email failed', 'mailing-list skipped']);
});
