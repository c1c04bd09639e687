// A payment with the PayPal wallet is one attempt, from the click to PayPal's answer.

/**
 * @param attempt runs the steps of an attempt; returns undefined if it cannot start
 * @param hold holds the seat; resolves to the hold
 * @param finish takes the payment
 * @param failed shows that the payment was cancelled or failed, by the key of a message
 */
export function openWallet({ attempt, hold, finish, failed }) {
  let settle;

  return {
    /** Resolves to the PayPal order for PayPal's window; undefined while another attempt is running. */
    start() {
      let order;
      const started = attempt(async () => {
        const held = hold();
        order = held.then(({ paypalOrderId }) => ({ orderId: paypalOrderId }));
        const outcome = new Promise((resolve) => (settle = resolve));
        // If the seat cannot be held, the attempt ends whatever PayPal's window does.
        await order;
        const ending = await outcome;
        return ending === 'approved' ? finish(await held) : failed(ending);
      });
      return started ? order : undefined;
    },
    approved: () => settle?.('approved'),
    cancelled: () => settle?.('browser.cancelled'),
    failed: () => settle?.('browser.wallet-failed'),
  };
}
