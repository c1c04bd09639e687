// The wallet: PayPal's approve page in a window of its own, or in a frame over the page.
import { createFrame, listen, openDialog, origin, pageUrl, textsOf } from './frames.js';

const MODES = ['auto', 'popup', 'modal'];
/** Closed is seen by looking; what the window said last may arrive a little later. */
const LOOK_MS = 200;
const LAST_WORD_MS = 500;

class PayPalError extends Error {
  name = 'PayPalError';
  constructor(code, message, isRecoverable = false) {
    super(message);
    this.code = code;
    this.isRecoverable = isRecoverable;
  }
}

/** The payer's page in a new window; undefined when the browser does not let it open. */
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
    last = setTimeout(onDismiss, LAST_WORD_MS);
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
    /** Ends what runs, as the session's `cancel` and `destroy` do. */
    let running;

    /**
     * Opens PayPal at once, within the click; the order may come later. Resolves when the payer has approved or
     * cancelled; rejects when nothing could be opened (`isRecoverable`: another mode may work) or there is no order.
     */
    async function start({ presentationMode = 'auto' } = {}, orderPromise) {
      if (!MODES.includes(presentationMode))
        throw new PayPalError('ERR_INVALID_PRESENTATION_MODE', `The sandbox has no "${presentationMode}"`);
      if (!orderPromise) throw new PayPalError('ERR_NO_ORDER', 'A promise of the order is required');
      if (running) throw new PayPalError('ERR_FLOW_RUNNING', 'PayPal is open already');

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

    /** Tells the shop; a shop that fails to go on after an approval hears of it, too. */
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
      const problem = error ?? new PayPalError('ERR_ORDER', `PayPal cannot take the order ${orderId}`);
      onComplete?.({ paymentSessionState: 'error' });
      onError?.(problem);
      throw problem;
    }

    return { start, cancel: () => running?.('canceled'), destroy: () => running?.('destroyed') };
  },
});
