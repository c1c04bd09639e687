/** How an order comes to be approved: by a card, with or without a question of its bank, or by a wallet. */
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

/** What the person does when the bank asks. */
export type ChallengeAnswer = 'confirm' | 'refuse' | 'cancel';

/** `DECLINED_SCA_REQUIRED` (developer.paypal.com, processor response codes). */
const SCA_REQUIRED = declined('5650');
const LIABILITY_SHIFT = { Y: 'POSSIBLE', N: 'NO', U: 'UNKNOWN' } as const;

/** A card that was read for an order: its bank has nothing to ask, or waits for the person. */
export type CardApproval = { card: ReadCard; challenge: boolean };

/** Reads a card for an order; whether its bank asks the person depends on both. */
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
    // Nobody asks the bank now; one that insists says no when the money is to be taken.
    return {
      card: { facts, outcome: authentication === 'challenge' ? SCA_REQUIRED : outcome },
      challenge: false,
    };
  }
  return { card: read, challenge: verification === 'SCA_ALWAYS' || read.authentication === 'challenge' };
}

/**
 * Approves an order with a card, as the frames do; nothing of the card is kept but what PayPal would tell. A failed
 * authentication approves, too: it is the merchant who must not go on.
 * @returns the liability shift, undefined when nobody was authenticated
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
  if (!wallet) throw unprocessable('PAYER_ACCOUNT_RESTRICTED', 'There is no such test wallet.');
  paypal.approve(orderId, { paypal: { email_address: email, account_id: PAYER_ID } }, wallet.outcome);
}
