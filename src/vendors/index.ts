import type { Config } from '../config.ts';
import { connectMailchimp, type Mailchimp } from './mailchimp.ts';
import { connectPayPal, type PayPal } from './paypal/client.ts';
import { connectSendGrid, type SendGrid } from './sendgrid.ts';

export type Vendors = { paypal: PayPal; sendGrid: SendGrid; mailchimp: Mailchimp };

/** A client of each vendor; nothing is connected before the first call. */
export const connectVendors = (config: Pick<Config, 'paypal' | 'sendgrid' | 'mailchimp'>): Vendors => ({
  paypal: connectPayPal(config.paypal),
  sendGrid: connectSendGrid(config.sendgrid),
  mailchimp: connectMailchimp(config.mailchimp),
});
