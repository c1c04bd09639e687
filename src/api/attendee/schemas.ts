/** The schemas of the HTTP API, for validation, serialization, types and the documentation. */
import Type, { type Static } from 'typebox';
import { EXAMPLE_FORM, formProperties } from '../../form.ts';
import { QUESTION_KINDS } from '../../questions.ts';
import { decimal, type Money } from '../../money.ts';
import { STATUSES, STEP_NAMES, STEP_STATES } from '../../registration.ts';

const EXAMPLE_ID = '7b0f2f0e-5c6a-4d52-9a3e-2f1d8c4b6a90';

export const RegistrationId = Type.String({
  // Lower case only: another spelling of the same UUID would be another workflow.
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  description:
    'A UUID the browser makes, in lower case: it names the hold, the workflow, the order and the payment',
  examples: [EXAMPLE_ID],
});
export const RegistrationParams = Type.Object({ id: RegistrationId });

const Price = Type.Object({
  value: Type.String({ description: 'Decimal, in major units: "120.00"' }),
  currency: Type.String({ description: 'ISO 4217' }),
});
/** Money as the HTTP API writes it. */
export const price = (money: Money): Static<typeof Price> => ({
  value: decimal(money),
  currency: money.currency,
});

export const EventBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  startsAt: Type.String({ format: 'date-time' }),
  endsAt: Type.String({ format: 'date-time' }),
  timeZone: Type.String({ description: 'IANA name' }),
  venue: Type.String(),
  currency: Type.String(),
  ticketTypes: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      price: Price,
      available: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: 'null: unlimited' }),
    }),
  ),
  questions: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String({ description: 'The key of its answer in `answers` of a form' }),
        kind: Type.Enum([...QUESTION_KINDS]),
        label: Type.String(),
        choices: Type.Array(Type.String(), { description: 'The possible answers of a choice' }),
        required: Type.Boolean({ description: 'Whether it needs an answer; a checkbox has to be ticked' }),
        ticketTypes: Type.Union([Type.Array(Type.String()), Type.Null()], {
          description: 'Ids of the ticket types that it is asked for; null: all',
        }),
      }),
      { description: 'What the organizers ask; left out where they ask nothing' },
    ),
  ),
});

export const CheckoutBody = Type.Object({
  id: RegistrationId,
  amount: Price,
  paypalOrderId: Type.Union([Type.String(), Type.Null()], { description: 'null: nothing to pay' }),
  heldUntil: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'null while a payment is in flight: then the seat does not expire',
  }),
  secret: Type.Optional(
    Type.String({ description: 'In the first answer only: makes later requests the same client’s' }),
  ),
});

/** A client may choose the secret itself, with its first request. */
export const SecretHeader = Type.Object({
  'x-checkout-secret': Type.Optional(
    Type.String({
      description:
        'The secret of the first answer. Without it, a request must name the e-mail address of the one before',
    }),
  ),
});

export const RegistrationForm = Type.Object(
  {
    id: RegistrationId,
    ...formProperties,
    paypalOrderId: Type.Union([Type.String({ pattern: '^[A-Za-z0-9\\-]{1,64}$' }), Type.Null()], {
      description: 'null: nothing to pay',
    }),
  },
  { additionalProperties: false, examples: [{ id: EXAMPLE_ID, ...EXAMPLE_FORM, paypalOrderId: null }] },
);
export type RegistrationForm = Static<typeof RegistrationForm>;

export const RegisteredBody = Type.Object({
  id: RegistrationId,
  reference: Type.String({ description: "10 characters of Crockford's base 32" }),
  status: Type.Enum(['confirmed', 'processing', 'unconfirmed']),
  statusUrl: Type.String({ format: 'uri' }),
});

export const StatusBody = Type.Object({
  id: RegistrationId,
  reference: Type.String(),
  status: Type.Enum([...STATUSES]),
  steps: Type.Array(
    Type.Object({
      name: Type.Enum([...STEP_NAMES]),
      state: Type.Enum([...STEP_STATES]),
      attempts: Type.Integer({ minimum: 0 }),
      at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    }),
  ),
});
export type StatusBody = Static<typeof StatusBody>;
