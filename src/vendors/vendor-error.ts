/** The one kind of error that leaves the clients of PayPal, SendGrid and Mailchimp. */
import { traceOf } from '../trace.ts';

export type Vendor = 'PayPal' | 'SendGrid' | 'Mailchimp';
/**
 * What an error means for whoever called: the vendor cannot do it now (`Unavailable`), does not accept our key (`Auth`), or
 * refuses this call (the rest).
 */
export type Meaning = 'Unavailable' | 'Auth' | 'Rejected' | 'InvalidEmail' | 'OptOut' | 'SignupLimit';

type Facts = {
  vendor: Vendor;
  meaning: Meaning;
  /** HTTP status; undefined when no answer came. */
  status?: number | undefined;
  /** The vendor's own word for the error, such as `ORDER_NOT_APPROVED`, or the network's. */
  word?: string | undefined;
  /** The vendor's number of the call, for its support. */
  debugId?: string | undefined;
  /** How long the vendor asked to wait before the next try, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** Whether the same call can never succeed. */
  final?: boolean;
};

/**
 * A call to a vendor that brought no result. It holds these facts only: an SDK's own error carries keys and request bodies,
 * and goes no further than the client.
 */
export class VendorError extends Error {
  readonly vendor: Vendor;
  readonly meaning: Meaning;
  readonly status: number | undefined;
  readonly word: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly final: boolean;

  constructor({ vendor, meaning, status, word, debugId, retryAfterMs, final = false }: Facts) {
    super(
      [`${vendor}${meaning}`, status, word, debugId && `debug_id=${debugId}`]
        .filter((part) => part !== undefined && part !== '')
        .join(' '),
    );
    this.name = 'VendorError';
    this.vendor = vendor;
    this.meaning = meaning;
    this.status = status;
    this.word = word;
    this.retryAfterMs = retryAfterMs;
    this.final = final;
  }
}

/** The network's word where no answer came, such as `ECONNRESET`. */
export const networkWord = (error: unknown): string => traceOf(error).code ?? 'NO_ANSWER';
