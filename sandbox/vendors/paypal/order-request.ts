/** Reads and validates order requests as PayPal does. */
import { VERIFICATIONS, type Amount, type Order, type Unit, type Verification } from './records.ts';
import { invalid, malformed, newId, unprocessable } from './refusals.ts';

/** Currencies for which PayPal does not support decimals (developer.paypal.com, currency codes). */
const NO_DECIMALS = ['HUF', 'JPY', 'TWD'];
export const digitsOf = (currency: string) => (NO_DECIMALS.includes(currency) ? 0 : 2);

type Body = Record<string, unknown>;
export const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns an amount as PayPal stores it, with all decimals. */
export function readAmount(amount: unknown, field: string): Amount {
  if (!isObject(amount)) throw invalid(field, 'MISSING_REQUIRED_PARAMETER');
  const { currency_code: currency, value } = amount;
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency))
    throw invalid(`${field}/currency_code`, 'INVALID_PARAMETER_SYNTAX');
  const [, whole = '', decimals = ''] =
    /^-?(\d{1,24})(?:\.(\d{1,6}))?$/.exec(typeof value === 'string' ? value : '') ?? [];
  if (!whole) throw invalid(`${field}/value`, 'INVALID_PARAMETER_SYNTAX');
  if (decimals.length > digitsOf(currency)) throw unprocessable('DECIMAL_PRECISION');
  if (Number(value) <= 0) throw unprocessable('CANNOT_BE_ZERO_OR_NEGATIVE');
  if (whole.length > 7) throw unprocessable('MAX_VALUE_EXCEEDED');
  return { currency_code: currency, value: Number(value).toFixed(digitsOf(currency)) };
}

/** The fields of `payment_source.card` with card data, which only the browser SDK's frames may send. */
const CARD_DATA = ['number', 'security_code', 'expiry', 'single_use_token', 'vault_id'];

/** Refuses card data in a server's request, as PayPal does for merchants that may not process cards. */
export function refuseCardData(source: unknown): void {
  const card = isObject(source) ? source.card : undefined;
  if (isObject(card) && CARD_DATA.some((field) => field in card))
    throw unprocessable(
      'PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING',
      'Payee account is not setup to be able to process card payments.',
    );
}

/** Returns the requested card verification, or undefined if the order does not specify one. */
function readVerification(source: unknown): Verification | undefined {
  if (source === undefined) return undefined;
  if (!isObject(source)) throw invalid('/payment_source', 'INVALID_PARAMETER_SYNTAX');
  refuseCardData(source);
  const { card } = source;
  const attributes = isObject(card) ? card.attributes : undefined;
  const verification = isObject(attributes) ? attributes.verification : undefined;
  const method = isObject(verification) ? verification.method : undefined;
  if (method === undefined) return undefined;
  const known = VERIFICATIONS.find((name) => name === method);
  if (!known) throw invalid('/payment_source/card/attributes/verification/method', 'INVALID_PARAMETER_VALUE');
  return known;
}

/** Creates an order from the body of a request. Ignores unknown fields. */
export function readOrder(body: unknown): Order {
  if (!isObject(body)) throw malformed();
  if (body.intent === undefined) throw invalid('/intent', 'MISSING_REQUIRED_PARAMETER');
  if (body.intent !== 'CAPTURE') throw invalid('/intent', 'INVALID_PARAMETER_VALUE');
  const units: unknown = body.purchase_units;
  if (!Array.isArray(units) || units.length === 0)
    throw invalid('/purchase_units', 'MISSING_REQUIRED_PARAMETER');
  if (units.length > 1)
    throw unprocessable('NOT_SUPPORTED', 'The sandbox supports only orders with one purchase unit.');
  const [asked] = units as unknown[];
  if (!isObject(asked)) throw invalid('/purchase_units/0', 'INVALID_PARAMETER_SYNTAX');
  const unit: Unit = {
    reference_id: 'default',
    amount: readAmount(asked.amount, '/purchase_units/0/amount'),
  };
  for (const field of ['reference_id', 'custom_id', 'description', 'invoice_id'] as const) {
    const value = asked[field];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value.length < 1 || value.length > 127)
      throw invalid(`/purchase_units/0/${field}`, 'INVALID_STRING_LENGTH');
    unit[field] = value;
  }
  const verification = readVerification(body.payment_source);
  const context = isObject(body.application_context) ? body.application_context : {};
  return {
    id: newId(),
    intent: 'CAPTURE',
    status: 'CREATED',
    createTime: new Date().toISOString(),
    unit,
    ...(typeof context.return_url === 'string' ? { returnUrl: context.return_url } : {}),
    ...(typeof context.cancel_url === 'string' ? { cancelUrl: context.cancel_url } : {}),
    ...(verification ? { verification } : {}),
  };
}
