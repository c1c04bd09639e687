/** The fields of the form as the page shows them. The schema decides what is required, how long and of which shape. */
import type { TObject, TSchema } from 'typebox';
import { addressRules, countries } from '../../countries.ts';
import { AnswerText, Attendee, Billing, LINK } from '../../form.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import type { Question } from '../../questions.ts';
import type { Language } from '../../registration.ts';

type Shown = {
  label: MessageKey;
  /** For autofill (HTML standard, 4.10.18.7). */
  autocomplete: string;
  purpose?: MessageKey;
  type?: 'email';
  wide?: true;
  /** Shown only when the attendee asks for it; `adds` is the field behind which they can. */
  later?: true;
  adds?: true;
};

const PERSON: Record<string, Shown> = {
  firstName: { label: 'field.firstName', autocomplete: 'given-name' },
  lastName: { label: 'field.lastName', autocomplete: 'family-name' },
  email: {
    label: 'field.email',
    autocomplete: 'email',
    purpose: 'field.email-purpose',
    type: 'email',
    wide: true,
  },
  organization: {
    label: 'field.organization',
    autocomplete: 'organization',
    purpose: 'field.organization-purpose',
    wide: true,
  },
};
const ADDRESS: Record<string, Shown> = {
  addressLine1: {
    label: 'field.addressLine1',
    autocomplete: 'billing address-line1',
    wide: true,
    adds: true,
  },
  addressLine2: {
    label: 'field.addressLine2',
    autocomplete: 'billing address-line2',
    wide: true,
    later: true,
  },
  postalCode: { label: 'postal.postal-code', autocomplete: 'billing postal-code' },
  city: { label: 'field.city', autocomplete: 'billing address-level2' },
  region: { label: 'region.region', autocomplete: 'billing address-level1' },
};

/** One text field, ready for its template: `path` is the JSON pointer of its value, without the first slash. */
export type Field = Omit<Shown, 'label' | 'purpose'> & {
  path: string;
  label: string;
  optionalLabel: string;
  purpose: string | undefined;
  required: boolean;
  maxLength: number | undefined;
  pattern: string | undefined;
  /** What the field must not hold anywhere. */
  link: string | undefined;
};

function fields(part: string, schema: TObject, shown: Record<string, Shown>, { t }: Speech): Field[] {
  return Object.entries(shown).map(([name, { label, purpose, ...rest }]) => {
    const { maxLength, pattern, not } = schema.properties[name] as TSchema &
      Partial<Field> & { not?: object };
    return {
      ...rest,
      path: `${part}/${name}`,
      label: t(label),
      optionalLabel: t('form.optional', { label: t(label) }),
      purpose: purpose && t(purpose),
      // Before a country is chosen, the rules of most countries apply.
      required: schema.required.includes(name) || name === 'postalCode',
      maxLength,
      pattern,
      link: not && LINK,
    };
  });
}

export const personFields = (speech: Speech): Field[] => fields('attendee', Attendee, PERSON, speech);
export const addressFields = (speech: Speech): Field[] => fields('billing', Billing, ADDRESS, speech);

/** A question of the organizers as a field: `tickets` are the ids of the ticket types that it is asked for, null for all. */
export type QuestionField = Pick<Field, 'path' | 'label' | 'required' | 'maxLength' | 'pattern'> &
  Pick<Question, 'kind' | 'choices'> & { tickets: string | null };

/** The questions of an event, in the organizers' own words, whatever the language of the page. */
export function questionFields(questions: Question[], { t }: Speech): QuestionField[] {
  const { maxLength, pattern } = AnswerText as TSchema & Partial<Pick<Field, 'maxLength' | 'pattern'>>;
  return questions.map(({ id, kind, label, choices, required, ticketTypes }) => ({
    ...{ path: `answers/${id}`, kind, choices, required },
    // A box says itself that it may be left empty.
    label: required || kind === 'checkbox' ? label : t('form.optional', { label }),
    tickets: ticketTypes?.join(' ') ?? null,
    ...{ maxLength, pattern },
  }));
}

type CountryOption = {
  code: string;
  name: string;
  postalCode: { required: boolean; label: string };
  region: { required: boolean; label: string; used: boolean };
};

// Cached by language, because naming and sorting the countries is the most expensive part of the form.
const made = new Map<Language, CountryOption[]>();

/** The countries to choose from, with the labels and rules of their addresses. */
export function countryOptions({ language, locale, t }: Speech): CountryOption[] {
  const labelled = (key: MessageKey, required: boolean) => ({
    required,
    label: required ? t(key) : t('form.optional', { label: t(key) }),
  });
  const options =
    made.get(language) ??
    countries(locale).map(({ code, name }) => {
      const { postalCode, region } = addressRules(code);
      return {
        code,
        name,
        postalCode: labelled(`postal.${postalCode.label}`, postalCode.required),
        region: { ...labelled(`region.${region.label}`, region.required), used: region.used },
      };
    });
  made.set(language, options);
  return options;
}
