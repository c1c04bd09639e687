/** Approval of an order: with a card, with or without a 3-D Secure challenge, or with a wallet. */
import type { PayPalSandbox } from './api.ts';
import {
  declined,
  readCard,
  TEST_WALLETS,
  type AuthenticationResult,
  type AuthenticationStatus,
  type Card,
  type CardIssue,
  type ReadCard,
} from './cards.ts';
import { unprocessable } from './refusals.ts';

/** The payer's response to a 3-D Secure challenge. */
export type ChallengeAnswer = 'confirm' | 'refuse' | 'cancel';

/** `DECLINED_SCA_REQUIRED` (developer.paypal.com, processor response codes). */
const SCA_REQUIRED = declined('5650');
const LIABILITY_SHIFT = { Y: 'POSSIBLE', N: 'NO', U: 'UNKNOWN' } as const;

/** A valid card for an order, and whether its bank requires a challenge. */
export type CardApproval = { card: ReadCard; challenge: boolean };

/** Validates a card for an order. Both determine whether the bank requires a challenge. */
export function readForOrder(
  paypal: PayPalSandbox,
  orderId: string,
  card: Card,
): CardApproval | { issue: CardIssue } {
  const read = readCard(card);
  if ('issue' in read) return read;
  const { verification } = paypal.order(orderId);
  if (verification === undefined || verification === 'AVS_CVV') {
    const { facts, outcome, authentication } = read;
    // The order skips authentication, so a bank that requires it declines the capture.
    return {
      card: { facts, outcome: authentication === 'challenge' ? SCA_REQUIRED : outcome },
      challenge: false,
    };
  }
  return { card: read, challenge: verification === 'SCA_ALWAYS' || read.authentication === 'challenge' };
}

/**
 * Approves an order with a card, as the card fields do. Stores only the card data that PayPal returns. A
 * failed authentication also approves the order: the merchant must check the result before the capture.
 * @returns the liability shift, undefined without authentication
 */
export function approveWithCard(
  paypal: PayPalSandbox,
  orderId: string,
  { facts, outcome, authentication }: ReadCard,
  answer?: Exclude<ChallengeAnswer, 'cancel'>,
): AuthenticationResult['liability_shift'] | undefined {
  const answered: AuthenticationStatus | undefined = answer && (answer === 'confirm' ? 'Y' : 'N');
  const status = answered ?? (authentication === 'challenge' ? undefined : authentication);
  if (status === undefined) {
    paypal.approve(orderId, { card: facts }, outcome);
    return undefined;
  }
  const result: AuthenticationResult = {
    liability_shift: LIABILITY_SHIFT[status],
    three_d_secure: { enrollment_status: 'Y', authentication_status: status },
  };
  paypal.approve(orderId, { card: { ...facts, authentication_result: result } }, outcome);
  return result.liability_shift;
}

export const PAYER_ID = 'QYR5Z8XDVJNXQ';

/** Approves an order with one of the test wallets. */
export function approveWithWallet(paypal: PayPalSandbox, orderId: string, email: string): void {
  const wallet = TEST_WALLETS.find((known) => known.email === email);
  if (!wallet) throw unprocessable('PAYER_ACCOUNT_RESTRICTED', 'The test wallet does not exist.');
  paypal.approve(orderId, { paypal: { email_address: email, account_id: PAYER_ID } }, wallet.outcome);
}
