import { SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { VendorError, type Vendor } from '../vendors/vendor-error.ts';

type Calls = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * A client of a vendor with a span for each call that is part of a trace, such as `PayPal capture`. The addresses of the requests stay out
 * of it: they hold ids of the vendor's, and at Mailchimp the hash of an e-mail address.
 */
export const traceCalls =
  (tracer: Tracer) =>
  <T extends object>(vendor: Vendor, client: T): T =>
    Object.fromEntries(
      Object.entries(client as Calls).map(([name, call]) => [
        name,
        (...args: never[]) => {
          if (!trace.getActiveSpan()) return call(...args);
          const options = { kind: SpanKind.CLIENT, attributes: { 'peer.service': vendor } };
          return tracer.startActiveSpan(`${vendor} ${name}`, options, async (span) => {
            try {
              return await call(...args);
            } catch (error) {
              span.setStatus({ code: SpanStatusCode.ERROR });
              span.setAttributes(factsOf(error));
              throw error;
            } finally {
              span.end();
            }
          });
        },
      ]),
    ) as T;

/** What the client made of the vendor's error; nothing of the error itself. */
const factsOf = (error: unknown) =>
  error instanceof VendorError
    ? {
        'error.type': `${error.vendor}${error.meaning}`,
        ...(error.status !== undefined && { 'http.response.status_code': error.status }),
        ...(error.word !== undefined && { 'vendor.word': error.word }),
      }
    : { 'error.type': 'Unexpected' };
