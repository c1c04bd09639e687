/** What an attendee fills in: one schema for the HTTP API, its documentation and the static types. */
import Type, { type Static } from 'typebox';
import { addressRules, COUNTRY_CODES } from './countries.ts';
import { MOST_QUESTIONS } from './questions.ts';

/**
 * Every pattern takes time in proportion to the text, however hostile: all faults are reported, so a pattern also sees a text
 * that is too long. Each is valid in HTML's `pattern` too, which has the flag `v`.
 */

/** Control characters, which PostgreSQL and mail headers refuse. */
const CONTROLS = '\\u0000-\\u001F\\u007F-\\u009F';
/**
 * Characters that nobody sees and that reorder, split or hide a text: most of Unicode's format controls, and its separators of
 * lines and paragraphs. The joiners U+200C and U+200D stay, because names and emoji need them.
 */
const UNSEEN =
  '\\u00AD\\u061C\\u180E\\u200B\\u200E\\u200F\\u2028-\\u202E\\u2060-\\u206F\\uFEFF\\uFFF9-\\uFFFB';
const BLANK = ' \\u00A0\\u1680\\u2000-\\u200A\\u200C\\u200D\\u202F\\u205F\\u3000';
/** Something visible after nothing but blanks: the first two classes share no character, so there is one way to match. */
const PRINTABLE = `^[${BLANK}]*[^${CONTROLS}${UNSEEN}${BLANK}][^${CONTROLS}${UNSEEN}]*$`;
const text = (maxLength: number, description: string, more = {}) =>
  Type.String({ minLength: 1, maxLength, pattern: PRINTABLE, description, ...more });

/** A domain alone is no link: `Amazon.com` is a company, and `St./Sgt.` a title. */
const LETTER = 'A-Za-z\\u00C0-\\uFFEF';
const DOMAIN_WITH_PATH = `[${LETTER}0-9]\\.[${LETTER}][${LETTER}0-9\\-]+(?::[0-9]+)?\\/`;
/** Mails greet by name: a name with a link would be an advertisement that the organizer sends. */
export const LINK = `:\\/\\/|[Ww]{3}\\.|${DOMAIN_WITH_PATH}`;
const name = (maxLength: number, description: string) =>
  text(maxLength, description, { not: { type: 'string', pattern: LINK } });

/** A valid e-mail address by the HTML standard, with a dot in the domain, which mail needs in practice. */
const EMAIL =
  "^[a-zA-Z0-9.!#$%&'*+\\/=?^_`\\{\\|\\}~\\-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?" +
  '(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?)+$';

export const Attendee = Type.Object(
  {
    firstName: name(100, 'Given name'),
    lastName: name(100, 'Family name'),
    email: Type.String({ maxLength: 254, pattern: EMAIL, description: 'The confirmation goes here' }),
    organization: Type.Optional(name(200, 'Organization, if any')),
  },
  { additionalProperties: false },
);

export const Billing = Type.Object(
  {
    addressLine1: text(200, 'Street and number'),
    addressLine2: Type.Optional(text(200, 'Second line of the address')),
    city: text(120, 'City'),
    region: Type.Optional(
      text(120, 'State, province or region: needed where the country has them in addresses'),
    ),
    postalCode: Type.Optional(text(20, 'Postal code: needed but for countries without')),
    countryCode: Type.Enum([...COUNTRY_CODES], { description: 'ISO 3166-1 alpha-2' }),
  },
  { additionalProperties: false },
);

/** Ids of events and ticket types. */
const SLUG = '^[a-z0-9](?:[a-z0-9\\-]{0,62}[a-z0-9])?$';
const slug = (example: string) => Type.String({ pattern: SLUG, examples: [example] });
export const isSlug = (value: string): boolean => new RegExp(SLUG).test(value);
export const EventId = slug('open-knowledge-days');
export const TicketTypeId = slug('student');
const QUESTION_ID = '^[a-z0-9](?:[a-z0-9\\-]{0,62}[a-z0-9])?$';

/** Characters of an answer. */
export const LONGEST_ANSWER = 200;
export const AnswerText = text(LONGEST_ANSWER, 'A text, or one of the choices');

export const Answers = Type.Record(
  Type.String({ pattern: QUESTION_ID }),
  Type.Union([AnswerText, Type.Boolean({ description: 'Whether a box is ticked' })]),
  {
    maxProperties: MOST_QUESTIONS,
    additionalProperties: false,
    description: 'Answers to the questions of the event, by the id of the question',
  },
);
/** Answers by the id of the question: a text, a choice, or whether a box is ticked. */
export type Answers = Record<string, string | boolean>;

export const formProperties = {
  event: EventId,
  ticketType: TicketTypeId,
  attendee: Attendee,
  billing: Type.Optional(Billing),
  newsletter: Type.Boolean({ description: 'Consent to the newsletter; its time and wording are stored' }),
  answers: Type.Optional(Answers),
};

/** A valid form for the example event. */
export const EXAMPLE_FORM = {
  event: 'open-knowledge-days',
  ticketType: 'student',
  attendee: { firstName: 'Ada', lastName: 'Example', email: 'ada@example.org', organization: 'Example e.V.' },
  billing: {
    addressLine1: 'Am Speicher 2',
    city: 'Hamburg',
    postalCode: '20457',
    countryCode: 'DE' as const,
  },
  newsletter: false,
};

export const Form = Type.Object(formProperties, { additionalProperties: false, examples: [EXAMPLE_FORM] });
export type Form = Static<typeof Form>;

/** JSON pointers (RFC 6901) of the fields that an address lacks by the rules of its country. */
export function missingInAddress(billing: Static<typeof Billing>): string[] {
  const rules = addressRules(billing.countryCode);
  return (['postalCode', 'region'] as const)
    .filter((part) => rules[part].required && billing[part] === undefined)
    .map((part) => `/billing/${part}`);
}

/** Runs of at least 13 digits, with the separators that people type. */
const DIGIT_RUNS = /\d(?:[\s\p{Pd}._/]?\d){12,}/gu;

/** The Luhn check of ISO/IEC 7812-1, Annex B. */
function passesLuhn(digits: string): boolean {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

/** Whether a text holds anything like a card number: 13 to 19 consecutive digits that pass the Luhn check. */
export function holdsCardNumber(value: string): boolean {
  return [...value.normalize('NFKC').matchAll(DIGIT_RUNS)].some(([run]) => {
    const digits = run.replaceAll(/\D/g, '');
    for (let length = 13; length <= 19; length++)
      for (let start = 0; start + length <= digits.length; start++)
        if (passesLuhn(digits.slice(start, start + length))) return true;
    return false;
  });
}

// eslint-disable-next-line no-misleading-character-class -- the joiners stand there one by one
const LINE = new RegExp(PRINTABLE);
/** Whether a text is one line with something to see, and without characters that nobody sees. */
export const isLine = (value: string): boolean => LINE.test(value);

/** Whether a text holds half of a surrogate pair, which PostgreSQL and mail headers refuse. Tools that generate data know no
 * pattern with surrogates, so this is not in the schema. */
export const isBroken = (value: string): boolean => /\p{Cs}/u.test(value);

/**
 * JSON pointers (RFC 6901) of the text fields of a form for which a check is true. An email address is not one of them: the
 * digits in it are a name, and its pattern allows ASCII only.
 */
export function pointersWhere(
  { attendee, billing, answers }: Pick<Form, 'attendee' | 'billing' | 'answers'>,
  check: (value: string) => boolean,
): string[] {
  const { email: _name, ...texts } = attendee;
  const parts: Record<string, Answers> = { attendee: texts, billing: billing ?? {}, answers: answers ?? {} };
  return Object.entries(parts).flatMap(([part, fields]) =>
    Object.entries(fields)
      .filter(([, value]) => typeof value === 'string' && check(value))
      .map(([field]) => `/${part}/${field}`),
  );
}
