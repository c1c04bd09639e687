// Collects the card from the three field frames, approves the order, and reports the outcome to the page.
const { session, merchant, locale } = document.body.dataset;
const channel = new BroadcastChannel(`card-${session}`);
const FIELDS = ['number', 'expiry', 'cvv'];

/** Resolves to the values of all three fields; rejects if a field is missing on the page. */
function collect() {
  return new Promise((resolve, reject) => {
    const card = {};
    const missing = setTimeout(() => reject(new Error('CARD_FIELDS_MISSING')), 5000);
    channel.onmessage = ({ data }) => {
      if (data.type) card[data.type] = data.value;
      if (!FIELDS.every((field) => field in card)) return;
      clearTimeout(missing);
      resolve(card);
    };
    channel.postMessage('collect');
  });
}

addEventListener('message', async ({ source, origin, data: { orderId, name }, ports: [port] }) => {
  if (source !== parent || origin !== merchant) return;
  try {
    const card = await collect();
    const answer = await fetch('/sandbox/card/approve', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...card, orderId, name, locale }),
    });
    const { challenge, liabilityShift, message } = await answer.json();
    if (!answer.ok) port.postMessage({ state: 'failed', data: { orderId, message } });
    else if (challenge) port.postMessage({ challenge });
    else
      port.postMessage({ state: 'succeeded', data: { orderId, ...(liabilityShift && { liabilityShift }) } });
  } catch (error) {
    port.postMessage({ state: 'failed', data: { orderId, message: error.message } });
  }
});
parent.postMessage({ ready: session }, merchant);
