/** PayPal's errors, as its API returns them (developer.paypal.com, errors of Orders v2 and Payments v2). */
import { randomBytes } from 'node:crypto';
import { Refusal } from '../faults.ts';

/** Creates an id in PayPal's format: uppercase letters and digits. */
export const newId = (length = 17): string =>
  [...randomBytes(length)].map((byte) => 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'.charAt(byte % 32)).join('');

type Detail = { issue: string; description?: string; field?: string };

const errorBody = (name: string, detail?: Detail) => ({
  name,
  message: detail?.description ?? detail?.issue ?? name,
  debug_id: newId(13).toLowerCase(),
  ...(detail ? { details: [detail] } : {}),
  links: [],
});

const NAMES: Record<number, string> = {
  400: 'INVALID_REQUEST',
  401: 'AUTHENTICATION_FAILURE',
  403: 'NOT_AUTHORIZED',
  404: 'RESOURCE_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_ENTITY',
  429: 'RATE_LIMIT_REACHED',
  503: 'SERVICE_UNAVAILABLE',
};
const nameOf = (status: number) => NAMES[status] ?? 'INTERNAL_SERVER_ERROR';

/** PayPal's error for a status, without details about the request. */
export const plainError = (status: number) => errorBody(nameOf(status));

const refusal = (status: number, detail: Detail) => new Refusal(status, errorBody(nameOf(status), detail));

export const invalid = (field: string, issue: string) =>
  refusal(400, { field, issue, description: `${field}: ${issue}` });
export const malformed = () => refusal(400, { issue: 'MALFORMED_REQUEST_JSON' });
/** An order with a payment source may move money, so PayPal requires an id that makes it idempotent. */
export const requestIdRequired = () =>
  refusal(400, {
    field: 'PayPal-Request-Id',
    issue: 'PAYPAL_REQUEST_ID_REQUIRED',
    description:
      "A PayPal-Request-Id is required if you are trying to process payment for an Order. Please specify a PayPal-Request-Id or Create the Order without a 'payment_source' specified.",
  });
export const unprocessable = (issue: string, description = issue) => refusal(422, { issue, description });
export const notFound = () =>
  refusal(404, { issue: 'INVALID_RESOURCE_ID', description: 'Specified resource ID does not exist.' });
export const inProgress = () =>
  refusal(409, {
    issue: 'PREVIOUS_REQUEST_IN_PROGRESS',
    description: 'A previous request on this resource is currently in progress.',
  });

/** An OAuth 2 error (RFC 6749, 5.2; RFC 6750, 3.1). */
export const oauthError = (status: number, error: string, description: string) =>
  new Refusal(status, { error, error_description: description });
