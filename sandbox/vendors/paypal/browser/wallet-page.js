// The window or frame that the SDK opened. It waits for the order or reports the outcome, and exchanges
// messages only with the page that opened it.
const { session, merchant, outcome, orderId, payerId } = document.body.dataset;
const shop = window.opener ?? parent;
const tell = (message) => shop.postMessage({ wallet: session, ...message }, merchant);

if (outcome) {
  tell({ outcome, orderId, payerId });
  // A frame cannot close itself; the SDK removes it.
  window.close();
} else {
  addEventListener('message', ({ source, origin, data }) => {
    if (source !== shop || origin !== merchant || data?.wallet !== session) return;
    const approve = new URL(location.href);
    approve.searchParams.set('token', data.orderId);
    location.replace(approve.href);
  });
  tell({ ready: true });
}
