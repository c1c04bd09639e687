/** The records that PayPal stores: orders, captures and refunds. */
import type { AuthenticationResult, CardFacts, Outcome } from './cards.ts';

/** Card verification methods (developer.paypal.com, Orders v2). */
export const VERIFICATIONS = ['SCA_ALWAYS', 'SCA_WHEN_REQUIRED', '3D_SECURE', 'AVS_CVV'] as const;
export type Verification = (typeof VERIFICATIONS)[number];

export type Amount = { currency_code: string; value: string };
export type Unit = {
  reference_id: string;
  amount: Amount;
  custom_id?: string;
  description?: string;
  invoice_id?: string;
};
export type Order = {
  id: string;
  intent: 'CAPTURE';
  status: 'CREATED' | 'APPROVED' | 'COMPLETED';
  unit: Unit;
  createTime: string;
  returnUrl?: string;
  cancelUrl?: string;
  /** The requested `payment_source.card.attributes.verification.method`. */
  verification?: Verification;
  /** The outcome of a capture; set when the payer approves the order. */
  outcome?: Outcome;
  source?:
    | { card: CardFacts & { authentication_result?: AuthenticationResult } }
    | { paypal: { email_address: string; account_id: string } };
  captureId?: string;
};
export type Capture = {
  id: string;
  status: 'COMPLETED' | 'DECLINED' | 'PENDING' | 'FAILED' | 'REFUNDED' | 'PARTIALLY_REFUNDED';
  amount: Amount;
  custom_id?: string;
  order_id: string;
  create_time: string;
  processor_response?: { response_code: string };
  /** The refunded amount so far, in hundredths of the currency unit. */
  refunded: number;
};
export type Refund = {
  id: string;
  status: RefundStatus;
  amount: Amount;
  capture_id: string;
  custom_id?: string;
  note_to_payer?: string;
  /** A bank or PayPal took the money back. */
  reversal?: true;
  /** What was refunded of the capture in all, this refund included. */
  total: Amount;
  create_time: string;
};
export type RefundStatus = 'COMPLETED' | 'PENDING' | 'FAILED' | 'CANCELLED';

/** What the merchant's account allows: `funds` for refunds in hundredths, null without a limit; and how refunds begin. */
export type Account = { funds: number | null; refunds: 'COMPLETED' | 'PENDING' };
