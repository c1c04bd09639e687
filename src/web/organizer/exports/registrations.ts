/** The columns of registrations.csv. Their names are stable: add columns at the end, and never rename one. */
import type { RegistrationLine } from '../../../database/desk/registration-lines.ts';
import { decimal } from '../../../money.ts';
import { answerTo, type Question } from '../../../questions.ts';
import { localTime, utcTime, type ExportFile } from './file.ts';

type Row = RegistrationLine;

const yesOrNo = (value: boolean) => (value ? 'yes' : 'no');

export const REGISTRATIONS: ExportFile<Row> = {
  columns: [
    { name: 'reference', of: (row) => row.reference },
    { name: 'id', of: (row) => row.id },
    { name: 'status', of: (row) => row.status },
    { name: 'event_id', of: (row) => row.event_id },
    { name: 'event', of: (row) => row.event },
    { name: 'ticket_type_id', of: (row) => row.ticket_type_id },
    { name: 'ticket_type', of: (row) => row.ticket_type },
    { name: 'first_name', of: (row) => row.first_name },
    { name: 'last_name', of: (row) => row.last_name },
    { name: 'email', of: (row) => row.email },
    { name: 'organization', of: (row) => row.organization },
    { name: 'address_line1', of: (row) => row.address_line1 },
    { name: 'address_line2', of: (row) => row.address_line2 },
    { name: 'postal_code', of: (row) => row.postal_code },
    { name: 'city', of: (row) => row.city },
    { name: 'region', of: (row) => row.region },
    { name: 'country_code', of: (row) => row.country_code },
    { name: 'registered_at', of: (row) => localTime(row.created_at, row.time_zone) },
    { name: 'paid_at', of: (row) => localTime(row.paid_at, row.time_zone) },
    { name: 'time_zone', of: (row) => row.time_zone },
    { name: 'registered_at_utc', of: (row) => utcTime(row.created_at) },
    { name: 'paid_at_utc', of: (row) => utcTime(row.paid_at) },
    { name: 'source', of: (row) => row.source },
    { name: 'payment', of: (row) => row.payment },
    {
      name: 'amount',
      of: (row) => decimal({ minor: row.amount_minor, currency: row.currency }),
      isAmount: true,
    },
    {
      name: 'refunded',
      of: (row) => decimal({ minor: row.refunded_minor, currency: row.currency }),
      isAmount: true,
    },
    { name: 'currency', of: (row) => row.currency },
    {
      name: 'newsletter',
      of: (row) => (row.erased_at === null ? yesOrNo(row.newsletter_consent_at !== null) : null),
    },
    { name: 'language', of: (row) => row.language },
  ],
};

/** The file with a column for each question of an event, retired ones too, after all others. */
export const registrationsWith = (questions: Pick<Question, 'id'>[]): ExportFile<Row> => ({
  ...REGISTRATIONS,
  columns: [
    ...REGISTRATIONS.columns,
    ...questions.map(({ id }) => ({ name: `answer_${id}`, of: (row: Row) => answerOf(row, id) })),
  ],
});

function answerOf({ answers }: Row, id: string): string | null {
  const answer = answerTo(answers ?? undefined, id);
  return typeof answer === 'boolean' ? yesOrNo(answer) : (answer ?? null);
}
