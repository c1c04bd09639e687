import type { Knex } from 'knex';

/** What an event's page shows besides its facts. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('events', (table) => {
    table.text('description').comment('Paragraphs, separated by blank lines');
    table.binary('picture');
    table.text('picture_type').comment('The media type of the picture');
    table.specificType('picture_hash', 'text generated always as (md5(picture)) stored');
    table.check(
      "(picture is null) = (picture_type is null) and picture_type in ('image/jpeg', 'image/png', 'image/webp')",
      [],
      'events_picture_has_type',
    );
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('events', (table) => {
    table.dropChecks('events_picture_has_type');
    table.dropColumns('picture_hash', 'picture_type', 'picture', 'description');
  });
}
