import type { Config } from '../config.ts';
import type { Tracing } from '../tracing/index.ts';
import { connectMailchimp, type Mailchimp } from './mailchimp.ts';
import { connectPayPal, type PayPal } from './paypal/client.ts';
import { connectSendGrid, type SendGrid } from './sendgrid.ts';

export type Vendors = { paypal: PayPal; sendGrid: SendGrid; mailchimp: Mailchimp };

/** A client of each vendor; nothing is connected before the first call. With `tracing`, each call is part of its caller's trace. */
export const connectVendors = (
  config: Pick<Config, 'paypal' | 'sendgrid' | 'mailchimp'>,
  { traceCalls }: Pick<Tracing, 'traceCalls'> = { traceCalls: (_vendor, client) => client },
): Vendors => ({
  paypal: traceCalls('PayPal', connectPayPal(config.paypal)),
  sendGrid: traceCalls('SendGrid', connectSendGrid(config.sendgrid)),
  mailchimp: traceCalls('Mailchimp', connectMailchimp(config.mailchimp)),
});
