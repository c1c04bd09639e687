// The wallet: PayPal's approval page in a new window, or in a frame over the page.
import { createFrame, listen, openDialog, origin, pageUrl, textsOf } from './frames.js';

const MODES = ['auto', 'popup', 'modal'];
/** A closed window is detected by polling; its last message may arrive a little later. */
const LOOK_MS = 200;
const LAST_MESSAGE_MS = 500;

class PayPalError extends Error {
  name = 'PayPalError';
  constructor(code, message, isRecoverable = false) {
    super(message);
    this.code = code;
    this.isRecoverable = isRecoverable;
  }
}

/** Opens the payer's page in a new window. Returns undefined if the browser blocks it. */
function openPopup(url, onDismiss) {
  const [width, height] = [480, 640];
  const left = Math.max(0, window.screenX + (window.outerWidth - width) / 2);
  const top = Math.max(0, window.screenY + (window.outerHeight - height) / 2);
  const popup = window.open(url, '_blank', `popup,width=${width},height=${height},left=${left},top=${top}`);
  if (!popup) return undefined;
  let last;
  const look = setInterval(() => {
    if (!popup.closed) return;
    clearInterval(look);
    last = setTimeout(onDismiss, LAST_MESSAGE_MS);
  }, LOOK_MS);
  return {
    target: () => popup,
    close() {
      clearInterval(look);
      clearTimeout(last);
      popup.close();
    },
  };
}

function openModal(url, title, onDismiss) {
  const frame = createFrame(url, title);
  return { target: () => frame.contentWindow, close: openDialog(frame, onDismiss) };
}

export const createWallet = (current) => ({
  createPayPalOneTimePaymentSession({ onApprove, onCancel, onError, onComplete } = {}) {
    /** Ends the current flow; used by the session's `cancel` and `destroy`. */
    let running;

    /**
     * Opens PayPal immediately, within the click event; the order may follow later. Resolves when the payer
     * has approved or cancelled. Rejects if nothing could be opened (`isRecoverable`: another mode may work)
     * or there is no order.
     */
    async function start({ presentationMode = 'auto' } = {}, orderPromise) {
      if (!MODES.includes(presentationMode))
        throw new PayPalError(
          'ERR_INVALID_PRESENTATION_MODE',
          `The sandbox does not support "${presentationMode}"`,
        );
      if (!orderPromise) throw new PayPalError('ERR_NO_ORDER', 'A promise for the order is required');
      if (running) throw new PayPalError('ERR_FLOW_RUNNING', 'PayPal is already open');

      const session = crypto.randomUUID();
      const url = pageUrl('/checkoutnow', session, current.locale);
      const ended = Promise.withResolvers();
      const end = (outcome, data = {}) => ended.resolve({ outcome, ...data });
      const dismiss = () => end('canceled');
      const page =
        (presentationMode !== 'modal' && openPopup(url, dismiss)) ||
        (presentationMode !== 'popup' && openModal(url, textsOf(current.locale).walletTitle, dismiss));
      if (!page) {
        Promise.resolve(orderPromise).catch(() => undefined);
        throw new PayPalError('ERR_POPUP_BLOCKED', 'The browser did not open a window', true);
      }
      running = end;

      let orderId;
      const ready = Promise.withResolvers();
      const stop = listen(page.target, ({ wallet, ready: isReady, outcome, ...data }) => {
        if (wallet !== session) return;
        if (isReady) ready.resolve();
        else if (data.orderId === orderId) end(outcome, data);
      });
      Promise.all([orderPromise, ready.promise]).then(
        ([order]) => {
          orderId = order.orderId;
          page.target()?.postMessage({ wallet: session, orderId }, origin);
        },
        (error) => end('failed', { error }),
      );

      const { outcome, payerId, error } = await ended.promise;
      stop();
      page.close();
      running = undefined;
      await report(outcome, { orderId, payerId, error });
    }

    /** Calls the merchant's callbacks. If `onApprove` fails, `onError` receives the error. */
    async function report(outcome, { orderId, payerId, error }) {
      if (outcome === 'destroyed') return;
      if (outcome === 'canceled') {
        onComplete?.({ paymentSessionState: 'canceled' });
        onCancel?.({ orderId });
        return;
      }
      if (outcome === 'approved') {
        onComplete?.({ paymentSessionState: 'approved' });
        try {
          await onApprove?.({ orderId, payerId });
        } catch (failure) {
          onError?.(failure);
        }
        return;
      }
      const problem = error ?? new PayPalError('ERR_ORDER', `PayPal cannot process the order ${orderId}`);
      onComplete?.({ paymentSessionState: 'error' });
      onError?.(problem);
      throw problem;
    }

    return { start, cancel: () => running?.('canceled'), destroy: () => running?.('destroyed') };
  },
});
