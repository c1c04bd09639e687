// The browser SDK in the shape of PayPal's v6: card fields are frames of this script's own origin, so the page that uses
// them never sees a card number.
(() => {
  const origin = new URL(document.currentScript.src).origin;

  function createCardFieldsOneTimePaymentSession() {
    const session = crypto.randomUUID();
    const frame = (path, title) => {
      const element = document.createElement('iframe');
      element.src = `${origin}/sandbox/card/${path}&session=${session}`;
      element.title = title;
      return element;
    };

    // One hidden frame gathers the three fields and talks to the server; it is ready when it says so.
    const vault = frame('vault?', 'PayPal card payment');
    vault.hidden = true;
    const ready = new Promise((resolve) => {
      addEventListener('message', (event) => {
        if (event.source === vault.contentWindow && event.origin === origin && event.data.ready) resolve();
      });
    });
    document.body.append(vault);

    return {
      createCardFieldsComponent({ type, placeholder = '' }) {
        const titles = { number: 'Card number', expiry: 'Expiry date', cvv: 'Security code' };
        if (!titles[type]) throw new Error(`There is no card field "${type}"`);
        const field = frame(
          `field?type=${type}&placeholder=${encodeURIComponent(placeholder)}`,
          titles[type],
        );
        field.style.cssText = 'border:0;display:block;width:100%;height:100%;color-scheme:inherit';
        return field;
      },

      /** Resolves to `{ state: 'succeeded' | 'failed' | 'canceled', data: { orderId, message?, liabilityShift? } }`. */
      async submit(orderId, options = {}) {
        await ready;
        return new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => resolve(data);
          vault.contentWindow.postMessage(
            { orderId, name: options.name, billingAddress: options.billingAddress },
            origin,
            [port2],
          );
        });
      },
    };
  }

  window.paypal = {
    version: '6.0.0-sandbox',
    async createInstance({ clientId, clientToken, components = [] }) {
      if (!clientId && !clientToken) throw new Error('clientId or clientToken is required');
      return components.includes('card-fields') ? { createCardFieldsOneTimePaymentSession } : {};
    },
  };
})();
