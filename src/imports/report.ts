/** What the check of a file finds. It is kept until the import is done, and repeats nothing of the rows. */

/** The columns of a file, as its header may name them. */
export const COLUMNS = [
  'firstName',
  'lastName',
  'email',
  'organization',
  'ticketType',
  'payment',
  'amount',
  'note',
  'language',
] as const;
export type Column = (typeof COLUMNS)[number];

/** What is wrong with a field; each has a message `organizer.add.fault.<name>`. */
export const FAULTS = [
  'needed',
  'name',
  'email',
  'organization',
  'card-number',
  'ticket-type',
  'ticket-type-name',
  'payment',
  'not-free',
  'amount',
  'amount-nothing',
  'amount-needed',
  'note',
  'note-needed',
  'language',
] as const;
export type FaultName = (typeof FAULTS)[number];
/** A fault of a row. `line` is the first line of the row in the file. */
export type RowFault = { line: number; column: Column; fault: FaultName };

/** Each number is the line of a row. */
export type Report = {
  /** Rows of the file, without its header. */
  rows: number;
  faults: RowFault[];
  /** From this line on, nothing could be read, because a quotation mark is not closed. */
  unreadableFrom: number | null;
  /** An import has added these before. */
  addedBefore: number[];
  /** These say the same as another row. */
  twice: { line: number; first: number }[];
  /** With these e-mail addresses, somebody is registered already. They are added nevertheless. */
  registered: number[];
  /** Names in the header that mean nothing. */
  unused: string[];
};
