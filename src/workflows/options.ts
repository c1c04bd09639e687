/** Timeouts and retry policies of activities, each written once. */

/** One attempt: longer than the activity's own limit for its calls, so that it can say what happened. */
const startToCloseTimeout = '15s';
const quickly = { initialInterval: '1s', backoffCoefficient: 2 } as const;

/** Somebody waits for the answer. After ten minutes `settlePayment` takes over. */
export const WHILE_ATTENDEE_WAITS = {
  startToCloseTimeout,
  scheduleToCloseTimeout: '10m',
  retry: { ...quickly, maximumInterval: '10s' },
} as const;

/** PayPal may need hours or days to know, and is asked for as long as it takes. */
export const UNTIL_PAYPAL_KNOWS = {
  startToCloseTimeout,
  retry: { initialInterval: '1m', backoffCoefficient: 2, maximumInterval: '1h' },
} as const;

/** What must happen, however long the database or PayPal is away. */
export const UNTIL_DONE = {
  startToCloseTimeout,
  retry: { ...quickly, maximumInterval: '1m' },
} as const;

/** The link in the mail is of no use for longer. */
export const FOR_AN_HOUR = { ...UNTIL_DONE, scheduleToCloseTimeout: '1h' } as const;

/** A link to sign in is asked for again by whoever has not got it by then. */
export const FOR_A_QUARTER_HOUR = { ...UNTIL_DONE, scheduleToCloseTimeout: '15m' } as const;

/** Mails and the mailing list: worth a month of trying. */
export const FOR_A_MONTH = {
  startToCloseTimeout,
  scheduleToCloseTimeout: '30 days',
  retry: { ...quickly, maximumInterval: '1h' },
} as const;
