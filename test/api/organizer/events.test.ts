/** Organizers create and edit events and their ticket types. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holdSeat } from '../../../src/database/seats/hold.ts';
import { anAttendee, startStack, type Stack } from '../../stack.ts';
import { aForm } from '../../../stage/person.ts';
import { aSignedIn, fieldIn, type SignedIn } from './desk.ts';
import { aNewEvent, fieldsIn, openEditor, PNG, postPicture } from './event-form.ts';
import { anOrder } from './orders.ts';

let stack: Stack;
let ada: SignedIn;
let grace: SignedIn;
beforeAll(async () => {
  stack = await startStack();
  ada = await aSignedIn(stack, 'owner');
  grace = await aSignedIn(stack, 'organizer');
});
afterAll(() => stack.stop());

const LIST = '/organizer/events';
/** Adds an event with one ticket type, each test its own. */
let event: string;
let path: string;
beforeEach(async () => {
  event = `event-${randomUUID().slice(0, 8)}`;
  path = `${LIST}/${event}`;
  const made = await ada.post(LIST, aNewEvent({ id: event }));
  expect(made.statusCode).toBe(303);
  const first = { 'type._1.row': '1', 'type._1.name': 'Regular', 'type._1.price': '120' };
  expect((await ada.post(path, await openEditor(ada, event, first))).statusCode).toBe(303);
});

const row = () => stack.database('events').where({ id: event }).first<Record<string, unknown>>();
const types = () =>
  stack
    .database('ticket_types')
    .where({ event_id: event })
    .orderBy('position')
    .select<Record<string, unknown>[]>();
const kinds = () =>
  stack.database('organizer_events').where({ event_id: event }).orderBy('position').pluck<string[]>('kind');
const save = async (typed: Record<string, string>, who = ada) =>
  who.post(path, await openEditor(who, event, typed));
const press = async (what: string, who = ada) => {
  const page = (await who.get(path)).body;
  return who.post(path, { action: randomUUID(), version: fieldIn(page, 'version'), do: what });
};
const publish = () => press('publish');
const hold = async (type = 'regular') => {
  const id = randomUUID();
  return { id, ...(await holdSeat(stack.database, id, event, type)) };
};
const publicPage = async () =>
  stack.app.inject({ url: `/events/${event}`, headers: { accept: 'text/html' } });
const faultAt = (html: string, field: string) =>
  new RegExp(`id="error-${field.replaceAll('.', '\\.')}">([^<]*)`).exec(html)?.[1];

describe('a new event', () => {
  it('is a draft with an address made from its name, which nobody else sees', async () => {
    const form = aNewEvent({ name: 'Große Hafen-Tage 2099!' });
    const made = await ada.post(LIST, form);
    expect([made.statusCode, made.headers.location]).toEqual([
      303,
      `${LIST}/grosse-hafen-tage-2099?done=${form.action}`,
    ]);
    expect((await ada.get(String(made.headers.location))).body).toContain('The draft was created.');
    const added = await stack.database('events').where({ id: 'grosse-hafen-tage-2099' }).first<object>();
    expect(added).toMatchObject({
      ...{ state: 'draft', seller: 'Harbour e.V.\nPier 3\n20457 Hamburg', currency: 'EUR' },
      starts_at: new Date('2099-06-01T07:00:00Z'),
    });
    for (const url of ['/', '/events/grosse-hafen-tage-2099', '/?event=grosse-hafen-tage-2099'])
      expect((await stack.app.inject({ url, headers: { accept: 'text/html' } })).body).not.toContain('Hafen');
    expect((await stack.app.inject('/api/events')).body).not.toContain('hafen');
    expect((await ada.get(LIST)).body).toContain('Große Hafen-Tage 2099!');
  });

  it('is made once, however often its form comes', async () => {
    const form = aNewEvent({ id: `once-${randomUUID().slice(0, 8)}` });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post(LIST, form)));
    expect(new Set(answers.map(({ headers }) => headers.location))).toHaveLength(1);
    expect(await stack.database('organizer_events').where({ event_id: form.id }).pluck('kind')).toEqual([
      'event-created',
    ]);
    const again = await ada.post(LIST, { ...form, action: randomUUID() });
    expect([again.statusCode, faultAt(again.body, 'id')]).toEqual([
      422,
      'Another event has this address. Choose another one.',
    ]);
  });

  it('names every faulty field at once and keeps what was typed', async () => {
    const form = aNewEvent({
      ...{ name: '', id: 'Not a slug', starts: '2099-06-02T09:00', venue: 'Pier <3>', seller: ' ' },
      ...{ currency: 'XXX', timeZone: 'Mars/Base' },
    });
    const answer = await ada.post(LIST, form);
    expect(answer.statusCode).toBe(422);
    for (const field of ['name', 'id', 'timeZone', 'seller', 'currency'])
      expect(faultAt(answer.body, field), field).toBeTruthy();
    expect(faultAt(answer.body, 'venue')).toBeUndefined();
    expect(answer.body).toContain('value="Pier &lt;3&gt;"');
    expect(answer.body).toContain('value="Not a slug"');
    const json = await ada.post(LIST, form, { accept: 'application/json' });
    expect(json.json<{ errors: { pointer: string }[] }>().errors.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/name', '/id', '/timeZone', '/seller', '/currency']),
    );
    for (const wrong of [
      { state: 'live' },
      { sold: '5' },
      { action: 'x' },
      { version: '1', 'type._1.sold': '1' },
    ])
      expect((await ada.post(LIST, aNewEvent(wrong as Record<string, string>))).statusCode).toBe(422);
  });

  it('has times in its own zone, also in the nights in which the clocks are set', async () => {
    const spring = await save({ starts: '2027-03-28T02:30', ends: '2027-03-29T18:00' });
    expect([spring.statusCode, faultAt(spring.body, 'starts')]).toEqual([
      422,
      expect.stringContaining('This time does not exist'),
    ]);
    expect((await save({ starts: '2027-10-31T02:30', ends: '2027-10-31T18:00' })).statusCode).toBe(303);
    expect((await row()).starts_at).toEqual(new Date('2027-10-31T00:30:00Z'));
    expect((await ada.get(path)).body).toContain('this time comes twice');
    // The second one, which only SQL can choose, stays when the form is saved with another name.
    await stack.database('events').where({ id: event }).update({ starts_at: '2027-10-31T01:30:00Z' });
    await save({ name: 'Night watch' });
    expect(await row()).toMatchObject({ name: 'Night watch', starts_at: new Date('2027-10-31T01:30:00Z') });
    await save({ timeZone: 'America/New_York' });
    expect((await row()).starts_at).toEqual(new Date('2027-10-31T06:30:00Z'));
  });
});

describe('ticket types', () => {
  it('are added, changed, ordered, hidden and removed with one form', async () => {
    const more = await ada.post(path, await openEditor(ada, event, { do: 'more', name: 'Not saved yet' }));
    expect(more.statusCode).toBe(200);
    const fields = fieldsIn(more.body);
    expect([fields.name, fields['type._1.row'], fields['type._1.position']]).toEqual([
      'Not saved yet',
      '1',
      '2',
    ]);
    expect((await row()).name).toBe('Open Harbour Day');
    await ada.post(path, {
      ...{ ...fields, do: 'save', 'type.regular.name': 'Standard', 'type.regular.price': '99,50' },
      ...{
        'type._1.name': 'Early bird',
        'type._1.price': '0',
        'type._1.capacity': '10',
        'type._1.position': '0',
      },
      ...{ 'type._1.saleStarts': '2099-01-01T00:00', 'type._1.hidden': 'on', 'type._1.confirmEmail': 'on' },
    });
    expect(await types()).toMatchObject([
      {
        ...{ id: 'early-bird', price_minor: 0, capacity: 10, hidden: true, confirm_email: true, position: 0 },
        sale_starts_at: new Date('2098-12-31T23:00:00Z'),
      },
      { id: 'regular', name: 'Standard', price_minor: 9950, capacity: null, hidden: false, position: 1 },
    ]);
    await save({ 'type.early-bird.remove': 'on' });
    expect((await types()).map(({ id }) => id)).toEqual(['regular']);
    const history = await stack
      .database('organizer_events')
      .where({ event_id: event })
      .select('kind', 'facts');
    expect(history).toContainEqual({
      kind: 'ticket-type-changed',
      facts: {
        ...{ ticketType: 'regular', fields: ['name', 'priceMinor', 'position'] },
        price: { from: 12_000, to: 9950 },
      },
    });
    expect(await kinds()).toContain('ticket-type-removed');
    const page = (await ada.get(path)).body;
    expect(page).toContain('Removed the ticket type early-bird');
    expect(page).toContain('Changed the ticket type regular: Name, Price and Place in the list');
  });

  it('name every faulty field at once', async () => {
    const faulty = await save({
      ...{ 'type.regular.price': '1.234', 'type.regular.capacity': '-1', 'type.regular.position': 'x' },
      ...{ 'type._1.row': '1', 'type._1.price': '5' },
      ...{ 'type.regular.saleStarts': '2099-02-01T00:00', 'type.regular.saleEnds': '2099-01-01T00:00' },
    });
    expect(faulty.statusCode).toBe(422);
    for (const part of [
      'regular.price',
      'regular.capacity',
      'regular.position',
      'regular.saleEnds',
      '_1.name',
    ])
      expect(faultAt(faulty.body, `type.${part}`), part).toBeTruthy();
    expect(faulty.body).toContain('value="1.234"');
    expect(await types()).toMatchObject([{ price_minor: 12_000, capacity: null }]);
  });

  it('cannot be removed once somebody held, claimed or bought one, and lapsed holds do not count', async () => {
    await publish();
    const { id } = await hold();
    const remove = () => save({ 'type.regular.remove': 'on' });
    const at = 'type.regular.remove';
    expect((await remove()).statusCode).toBe(422);
    // PayPal would answer the request of a new hold with the order of the lapsed one, for six hours.
    const lapsed = (hours: number) =>
      stack
        .database('seat_holds')
        .where({ id })
        .update({ held_until: new Date(Date.now() - hours * 3_600_000) });
    await lapsed(5);
    expect(faultAt((await remove()).body, at)).toContain('Somebody began to pay');
    await lapsed(7);
    expect((await remove()).statusCode).toBe(303);
    expect(await types()).toEqual([]);
    await save({ 'type._1.row': '1', 'type._1.name': 'Regular', 'type._1.price': '120' });
    await anOrder(stack.database, { event_id: event, status: 'cancelled' });
    const page = fieldsIn((await ada.get(path)).body);
    expect(page['type.regular.row']).toBe('1');
    expect((await remove()).body).toContain('cannot be removed. You can hide it.');
    expect(await types()).toHaveLength(1);
  });

  it('never have fewer seats than are sold and held', async () => {
    await publish();
    for (let n = 0; n < 3; n++) await anOrder(stack.database, { event_id: event });
    expect((await hold()).status).toBe('held');
    const answer = await save({ 'type.regular.capacity': '3' });
    expect([answer.statusCode, faultAt(answer.body, 'type.regular.capacity')]).toEqual([
      422,
      '3 seats are sold and one is held, so enter at least 4.',
    ]);
    expect((await save({ 'type.regular.capacity': '4' })).statusCode).toBe(303);
    expect((await hold()).status).toBe('all-held');
    expect(await types()).toMatchObject([{ sold: 3, capacity: 4 }]);
  });

  it('with another price leave the price of those who hold a seat', async () => {
    await publish();
    const form = aForm({ event, ticketType: 'regular' });
    const early = anAttendee(stack, form);
    expect((await early.put()).json()).toMatchObject({ amount: { value: '120.00' } });
    const answer = await save({ 'type.regular.price': '150' });
    expect((await ada.get(String(answer.headers.location))).body).toContain(
      'One held seat keeps the former price.',
    );
    expect((await early.put()).json()).toMatchObject({ amount: { value: '120.00' } });
    expect((await anAttendee(stack, form).put()).json()).toMatchObject({ amount: { value: '150.00' } });
  });
});

describe('the currency', () => {
  it('can be changed before the first hold, and not after', async () => {
    expect((await save({ currency: 'JPY', 'type.regular.price': '12000' })).statusCode).toBe(303);
    expect([(await row()).currency, await types()]).toMatchObject(['JPY', [{ price_minor: 12_000 }]]);
    expect((await save({ 'type.regular.price': '120.00' })).statusCode).toBe(422);
    await publish();
    await hold();
    const answer = await save({ currency: 'EUR' });
    expect([answer.statusCode, faultAt(answer.body, 'currency')]).toEqual([
      422,
      expect.stringContaining('cannot be changed'),
    ]);
    expect((await row()).currency).toBe('JPY');
  });
});

describe('two editors at once', () => {
  it('the second one is told, and nothing of either is lost', async () => {
    const second = await openEditor(grace, event, { name: 'Grace’s day', description: 'Her text' });
    await save({
      name: 'Ada’s day',
      venue: 'Pier 4',
      'type._1.row': '1',
      'type._1.name': 'New',
      'type._1.price': '1',
    });
    const answer = await grace.post(path, second);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain('has changed this event meanwhile');
    const merged = fieldsIn(answer.body);
    // Both changed the name, only Ada the venue, only Grace the description.
    expect(merged).toMatchObject({ name: 'Grace’s day', venue: 'Pier 4', description: 'Her text' });
    expect(merged['type.new.name']).toBe('New');
    expect(/id="meanwhile-name">.*?<\/div>/s.exec(answer.body)?.[0]).toContain('Ada’s day');
    expect(answer.body).toContain('id="meanwhile-venue"');
    expect(answer.body).not.toContain('id="meanwhile-seller"');
    expect(await row()).toMatchObject({ name: 'Ada’s day', description: null });
    expect((await grace.post(path, { ...merged, do: 'save' })).statusCode).toBe(303);
    expect(await row()).toMatchObject({ name: 'Grace’s day', venue: 'Pier 4', description: 'Her text' });
    expect(await types()).toHaveLength(2);
    const json = await grace.post(path, { ...second, action: randomUUID() }, { accept: 'application/json' });
    expect([json.statusCode, json.json<{ type: string }>().type]).toEqual([409, '/problems/event-changed']);
  });

  it('that save at the same moment: one is saved, and the other one is told', async () => {
    const forms = [
      await openEditor(ada, event, { name: 'Ada’s day' }),
      await openEditor(grace, event, { name: 'Grace’s day' }),
    ] as const;
    const answers = await Promise.all([ada.post(path, forms[0]), grace.post(path, forms[1])]);
    expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([303, 409]);
    expect((await row()).version).toBe(3);
  });

  it('also learn of a ticket type that the other one removed', async () => {
    const second = await openEditor(grace, event, { 'type.regular.price': '5' });
    await save({ 'type.regular.remove': 'on' });
    const answer = await grace.post(path, second);
    expect([answer.statusCode, answer.body.includes('These ticket types were removed')]).toEqual([409, true]);
    expect(fieldsIn(answer.body)['type.regular.row']).toBeUndefined();
  });
});

it('the same form twice has one effect', async () => {
  const form = await openEditor(ada, event, {
    name: 'Once',
    'type._1.row': '1',
    'type._1.name': 'B',
    'type._1.price': '1',
  });
  const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post(path, form)));
  for (const answer of answers) expect(answer.statusCode).toBe(303);
  expect(await types()).toHaveLength(2);
  expect((await row()).version).toBe(3);
});

describe('draft and live', () => {
  it('is published when nothing is missing, and everything that is missing is listed', async () => {
    await save({
      ...{ starts: '2020-06-01T09:00', ends: '2020-06-01T18:00', 'type.regular.hidden': 'on' },
    });
    const refused = await publish();
    expect(refused.statusCode).toBe(422);
    expect(refused.body).toContain('The event is over.');
    expect(refused.body).toContain('All ticket types are hidden.');
    expect((await publicPage()).statusCode).toBe(404);
    await save({ starts: '2099-06-01T09:00', ends: '2099-06-01T18:00' });
    await stack.database('ticket_types').where({ event_id: event }).update({ hidden: false });
    const answer = await publish();
    expect((await ada.get(String(answer.headers.location))).body).toContain('The event is published.');
    expect((await publicPage()).body).toContain('value="regular"');
    expect((await hold()).status).toBe('held');
  });

  it('becomes a draft again only while nobody holds a seat', async () => {
    await publish();
    expect((await press('draft')).statusCode).toBe(303);
    expect([(await publicPage()).statusCode, (await hold()).status]).toEqual([404, 'unknown-ticket-type']);
    await publish();
    await hold();
    expect((await press('draft')).statusCode).toBe(422);
    expect((await row()).state).toBe('live');
  });

  it('has a preview in the desk, with nothing for sale', async () => {
    await save({ description: '# Come\n\nTo the *harbour*.' });
    const { statusCode, body } = await ada.get(`${path}/preview`);
    expect(statusCode).toBe(200);
    expect(body).toContain('<h2>Come</h2>');
    expect(body).toContain('€120.00');
    expect(body).not.toMatch(/<form|<script|<input/);
  });

  it('stays cancelled', async () => {
    await stack.database('events').where({ id: event }).update({ state: 'cancelled' });
    const page = await ada.get(path);
    expect([page.statusCode, page.body.includes('id="editor"')]).toEqual([200, false]);
    for (const what of ['publish', 'draft', 'save', 'picture', 'remove-picture'])
      expect((await ada.post(path, { action: randomUUID(), version: '2', do: what })).statusCode).toBe(409);
    expect((await row()).state).toBe('cancelled');
  });
});

it('tells how many people have a confirmation with the former facts, and mails nobody', async () => {
  await publish();
  for (let n = 0; n < 2; n++) await anOrder(stack.database, { event_id: event });
  const mails = stack.sandbox.ledger().mails.length;
  const told = async (typed: Record<string, string>) =>
    (await ada.get(String((await save(typed)).headers.location))).body;
  expect(await told({ description: 'Something else' })).not.toContain('confirmation with former facts');
  expect(await told({ starts: '2099-06-02T09:00', ends: '2099-06-02T18:00', venue: 'Pier 5' })).toContain(
    '2 people have a confirmation with former facts (date and venue).',
  );
  expect(stack.sandbox.ledger().mails).toHaveLength(mails);
});

describe('the picture', () => {
  it('is what its first bytes say, and is shown with its text', async () => {
    const saved = await postPicture(stack, ada, event, { file: PNG, alt: 'A <harbour>' });
    expect(saved.statusCode).toBe(303);
    expect(await row()).toMatchObject({
      picture_type: 'image/png',
      picture: PNG,
      picture_alt: 'A <harbour>',
    });
    // Nobody but organizers sees the picture of a draft.
    expect((await stack.app.inject(`/events/${event}/picture`)).statusCode).toBe(404);
    expect((await ada.get(`${path}/picture`)).headers['content-type']).toBe('image/png');
    await publish();
    expect((await publicPage()).body).toContain('alt="A &lt;harbour&gt;"');
    expect((await stack.app.inject(`/events/${event}/picture`)).rawPayload).toEqual(PNG);
    expect((await ada.get('/organizer/events/%00/picture')).statusCode).toBe(404);
    await postPicture(stack, ada, event, { file: Buffer.alloc(0), alt: 'Ships' });
    expect(await row()).toMatchObject({ picture: PNG, picture_alt: 'Ships' });
    expect((await press('remove-picture')).statusCode).toBe(303);
    expect(await row()).toMatchObject({ picture: null, picture_alt: null });
    expect(await kinds()).toEqual(expect.arrayContaining(['picture-changed', 'picture-removed']));
  });

  it('is refused at its field when it is none, or too large', async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(1024 * 1024)]);
    for (const [file, text] of [
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'), 'Choose a JPEG'],
      [Buffer.alloc(0), 'Choose a JPEG'],
      [large, 'more than 1 MB'],
    ] as const) {
      const answer = await postPicture(stack, ada, event, { file, alt: 'Typed' });
      expect(answer.statusCode).toBe(422);
      expect(faultAt(answer.body, 'picture')).toContain(text);
      expect(answer.body).toContain('value="Typed"');
    }
    const huge = await postPicture(stack, ada, event, { file: Buffer.alloc(9 * 1024 * 1024) });
    expect(huge.statusCode).toBe(413);
    expect((await row()).picture).toBeNull();
  });
});

it('an accountant sees the list and nothing to change', async () => {
  const accountant = await aSignedIn(stack, 'accountant');
  const { statusCode, body } = await accountant.get(LIST);
  expect([statusCode, body.includes('Open Harbour Day'), body.includes('id="create"')]).toEqual([
    200,
    true,
    false,
  ]);
  expect((await accountant.get(path)).statusCode).toBe(403);
});

it('an event that does not exist has no editor', async () => {
  expect((await ada.get(`${LIST}/nowhere`)).statusCode).toBe(404);
  expect((await ada.get(`${LIST}/%00`)).statusCode).toBe(404);
});
