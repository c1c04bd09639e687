/** Fills a database with orders of made-up people, for measurements of what organizers see. The same every time. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../src/database/connection.ts';
import { reference } from '../src/reference.ts';

const words = (text: string) => text.split(' ');
const FIRST = words(
  'Ada Anna Åsa André Bjørn Camille Cem Chloé Daniel David Elif Emma Ewa Fatima François Gül Hanna Ines İpek Jan Jiří João ' +
    'Jonas José Jürgen Karin Katarzyna Lena Leon Łukasz Maria Marie Matthias Max Mehmet Mia Michael Mikołaj Noël Nora Olga ' +
    'Øyvind Paul Petra Quentin René Rosa Sean Siobhán Sofia Sørén Stefan Thị Thomas Tomáš Ute Vera Wei Xavier Yusuf Zoë',
);
const BEGINNINGS = words(
  'Acker Alt Bach Berg Bern Birk Blum Brand Buch Burg Dorf Eich Eisen Feld Fisch Freu Früh Gold Grün Hart Hein Hoch Holz Kauf ' +
    'Kirch Klein König Lang Lind Löwen Maier Mühl Müll Neu Ober Ost Rosen Roth Sand Schäf Schön Schrö Schu Stein Stern Vogel ' +
    'Wald Weiß Win Wolf',
);
const ENDINGS = words(
  'aas acher am auer bach bauer berg blum burg dal den der dorf eck er feld felder field fors gaard hauser heim hoff inger ' +
    'ini kamp ke kowski ler mann meier mer mose nagel ner nes ova quist rup sen shaw ski sson stad stein strøm ter thal then ' +
    'tke vall wald wick',
);
const DOMAINS = words('mail.example post.example web.example');

export const TYPES = [
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'early-bird', name: 'Early bird', price_minor: 9000, capacity: null },
  { id: 'student', name: 'Student', price_minor: 0, capacity: null },
  { id: 'speaker', name: 'Speaker', price_minor: 1000, capacity: null },
];
const DIETS = words('Everything Vegetarian Vegan Halal Kosher');
const SIZES = words('S M L XL');
/** What organizers ask, and what everybody in the crowd has answered. */
const QUESTIONS = [
  { id: 'diet', kind: 'choice', label: 'Diet', choices: JSON.stringify(DIETS) },
  { id: 'size', kind: 'choice', label: 'T-shirt size', choices: JSON.stringify(SIZES) },
  { id: 'dinner', kind: 'checkbox', label: 'Dinner', choices: null },
];
/** Rows of one statement. */
const BATCH = 1000;

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Adds orders of the event `conference`, one a minute. One in 16 is refunded, or cancelled where it was free. */
export async function addCrowd(database: Database, orders: number): Promise<void> {
  const chance = chances(1);
  await database('questions')
    .insert(QUESTIONS.map((question, position) => ({ event_id: 'conference', position, ...question })))
    .onConflict(['event_id', 'id'])
    .ignore();
  // A sequence of its own, so that the people are the same with and without answers.
  const other = chances(2);
  // Some names are frequent and most are rare, as in life.
  const pick = <T>(list: readonly T[], rarity = 1) => list[Math.floor(list.length * chance() ** rarity)] as T;
  for (let done = 0; done < orders; done += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, orders - done) }, (_, n) => {
      const id = randomUUID();
      const [firstName, lastName] = [pick(FIRST, 2), pick(BEGINNINGS, 2) + pick(ENDINGS)];
      const local = `${firstName}.${lastName}`
        .normalize('NFKD')
        .replaceAll(/[^a-z.]/gi, '')
        .toLowerCase();
      const domain = chance() < 0.5 ? pick(DOMAINS) : `firm-${Math.floor(chance() ** 2 * 2000)}.example`;
      const type = pick(TYPES, 2);
      const at = new Date(Date.now() - (orders - done - n) * 60_000 - chance() * 60_000);
      const isFree = type.price_minor === 0;
      return {
        id,
        reference: reference(id),
        status: (done + n) % 16 > 0 ? 'confirmed' : isFree ? 'cancelled' : 'refunded',
        event_id: 'conference',
        ticket_type_id: type.id,
        first_name: firstName,
        last_name: lastName,
        email: `${local}${done + n}@${domain}`,
        address_line1: 'Street 2',
        postal_code: '20457',
        city: 'Hamburg',
        country_code: 'DE',
        amount_minor: type.price_minor,
        currency: 'EUR',
        answers: JSON.stringify(answersOf(other)),
        paypal_order_id: `order-${id}`,
        paypal_capture_id: `capture-${id}`,
        paid_at: at,
        created_at: at,
      };
    });
    await database('orders').insert(rows);
    await database('refunds').insert(
      rows.filter(({ status }) => status === 'refunded').map((row, n) => toRefund(row, n)),
    );
  }
  await database.raw(`update ticket_types t set sold = (
    select count(*) from orders o where o.status = 'confirmed' and o.event_id = t.event_id and o.ticket_type_id = t.id)`);
  // All mails are sent but those of every thousandth order, and the payments are on record.
  await database.raw(`
    insert into step_outcomes (registration_id, step, state, since)
    select id, step, case when number % 1000 = 0 then 'open' else 'done' end, created_at
    from (select id, created_at, row_number() over (order by created_at) as number from orders) as o,
      unnest(array['email', 'mailing-list']) as step
    on conflict do nothing`);
  await database.raw(`
    insert into captures (paypal_capture_id, registration_id, paypal_order_id, amount_minor, currency, captured_at)
    select paypal_capture_id, id, paypal_order_id, amount_minor, currency, paid_at from orders where amount_minor > 0
    on conflict do nothing`);
  for (const table of ['step_outcomes', 'captures']) await database.raw('vacuum analyze ??', [table]);
  await database.raw('vacuum analyze orders');
  await database.raw('vacuum analyze refunds');
}

const answersOf = (chance: () => number) => ({
  diet: DIETS[Math.floor(DIETS.length * chance() ** 2)],
  size: SIZES[Math.floor(SIZES.length * chance())],
  dinner: chance() < 0.5,
});

type Refunded = { id: string; amount_minor: number; paid_at: Date };

/** The refund of an order: the first of a batch was refused, the second waits, and the others are done. */
const toRefund = ({ id, amount_minor, paid_at }: Refunded, n: number) => ({
  action: randomUUID(),
  registration_id: id,
  number: 1,
  paypal_capture_id: `capture-${id}`,
  amount_minor,
  currency: 'EUR',
  rest: true,
  cancels: true,
  asked_at: paid_at,
  state: ['refused', 'asked'][n] ?? 'done',
  word: n === 0 ? 'REFUND_FAILED_INSUFFICIENT_FUNDS' : null,
});
