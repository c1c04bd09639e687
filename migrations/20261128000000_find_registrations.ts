import type { Knex } from 'knex';

const APOSTROPHES = "'’‘ʼ`´";
const DASHES = ['-', '‐', '‑', '‒', '–', '—'];
/** Letters that Unicode does not take apart into a plain letter and its marks. */
const PLAIN = {
  ...{ ø: 'o', Ø: 'o', ł: 'l', Ł: 'l', đ: 'd', Đ: 'd', ð: 'd', Ð: 'd', ħ: 'h', Ħ: 'h', ŧ: 't', Ŧ: 't' },
  ...{ ı: 'i', ς: 'σ' },
};
/** Letters that become two. */
const PAIRS = { ß: 'ss', ẞ: 'ss', æ: 'ae', Æ: 'ae', œ: 'oe', Œ: 'oe', þ: 'th', Þ: 'th' };
/** Greek, Cyrillic and Armenian capital letters, first and last: `lower` knows them in some databases only. */
const CAPITALS = [
  [0x0391, 0x03a9],
  [0x0400, 0x042f],
  [0x0531, 0x0556],
] as const;

/** What each letter is replaced by. */
const letters: [string, string][] = [
  ...Object.entries(PLAIN),
  ...DASHES.map((dash): [string, string] => [dash, ' ']),
  ...CAPITALS.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, n) => String.fromCodePoint(first + n))
      .map((letter): [string, string] => [letter, letter.toLowerCase()])
      .filter(([letter, small]) => letter !== small),
  ),
];
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const one = (n: 0 | 1) => quoted(letters.map((pair) => pair[n]).join(''));
const replaced = (pairs: object, sql: string) =>
  Object.entries(pairs).reduce((inner, [letter, by]) => `replace(${inner}, '${letter}', '${by}')`, sql);

/**
 * Organizers find registrations by what they remember of a name or an e-mail address. PostgreSQL keeps the column that is
 * searched, so that it is empty as soon as the person is erased. `lower` and the extension `unaccent` depend on settings of the
 * database, and a stored column must not. The bodies of the functions are bound when they are made (`return`, PostgreSQL 14), so
 * that a dump can be restored, where no schema is searched.
 */
export async function up(knex: Knex): Promise<void> {
  // The table is written anew, which takes longer than a statement of the service may.
  await knex.raw('set local statement_timeout = 0');
  const apart = `lower(normalize(translate(given, ${quoted(APOSTROPHES)}, ''), NFKD) collate "C")`;
  // U+0308 are the dots of ü, U+030A is the ring of å, and U+0300 to U+036F are all marks of this kind.
  const german = replaced(
    { 'a\u030a': 'aa', ø: 'oe', Ø: 'oe' },
    `regexp_replace(${apart}, '([aou])\u0308', '\\1e', 'g')`,
  );
  await knex.raw(`
    create function plain_letters(given text, german boolean) returns text
    language sql immutable strict parallel safe return translate(
      ${replaced(PAIRS, `regexp_replace(case when german then ${german} else ${apart} end, '[\u0300-\u036f]', '', 'g')`)},
      ${one(0)}, ${one(1)})`);
  await knex.raw(`
    comment on function plain_letters is
    'Small letters without accents and apostrophes, and spaces for dashes. German: ue for ü, otherwise u; and the like'`);
  await knex.raw(`
    create function searched_text(given text) returns text
    language sql immutable strict parallel safe return
      ' ' || plain_letters(given, false) || case
        when normalize(given, NFKD) ~ '[aouAOU]\u0308|[aA]\u030a|[øØ]' then ' ' || plain_letters(given, true) else '' end`);
  await knex.raw(`
    create function search_pattern(word text, german boolean) returns text
    language sql immutable strict parallel safe return
      case when btrim(plain_letters(word, german)) ~ '^[a-z0-9]{1,2}$' then '% ' else '%' end
      || regexp_replace(btrim(plain_letters(word, german)), '([\\\\%_])', '\\\\\\1', 'g') || '%'`);
  await knex.raw(`
    comment on function search_pattern is
    'For like: a word anywhere in a searched text; one or two Latin letters only where a word begins'`);
  await knex.raw(`
    alter table orders add column searched text
    generated always as (searched_text(first_name || ' ' || last_name || ' ' || email)) stored`);
  await knex.raw(
    `comment on column orders.searched is 'Name and e-mail address, as organizers search for them'`,
  );
  await knex.raw(
    'create index orders_newest on orders (created_at, id) include (event_id, ticket_type_id, status)',
  );
  await knex.raw(
    `create index orders_over on orders (created_at, id) include (event_id, ticket_type_id, status) where status <> 'confirmed'`,
  );
  await createTrigramIndex(knex);
}

/**
 * Makes the search fast. pg_trgm is a trusted extension: whoever may create objects in the database may add it. Where it is missing
 * or not allowed, every search reads all orders. It may be there already, in another schema.
 */
const createTrigramIndex = (knex: Knex) =>
  knex.raw(`
    do $$
    declare
      place text;
    begin
      begin
        create extension if not exists pg_trgm;
      exception when others then
        raise notice 'pg_trgm: %', sqlerrm;
      end;
      select nspname into place from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'pg_trgm';
      if found then
        execute format('create index orders_searched on orders using gin (searched %I.gin_trgm_ops)
          with (fastupdate = off)', place);
      end if;
    end $$`);

/** The extension stays: something else may use it. */
export async function down(knex: Knex): Promise<void> {
  for (const name of ['orders_over', 'orders_newest']) await knex.raw(`drop index ${name}`);
  await knex.schema.alterTable('orders', (table) => table.dropColumn('searched'));
  for (const name of ['search_pattern', 'searched_text', 'plain_letters'])
    await knex.raw(`drop function ${name}`);
}
