// The browser SDK with the interface of PayPal's v6 (developer.paypal.com/sdk/js). Like PayPal's, this script
// is small and loads the rest when an instance is created.
(() => {
  const { origin } = new URL(document.currentScript.src);
  const PAGE_TYPES = 'cart checkout home mini-cart product-details product-listing search-results'.split(' ');

  window.paypal = {
    version: '6.0.0-sandbox',

    /** Rejects if the client id is unknown or an option is not valid at PayPal. */
    async createInstance({ clientId, clientToken, components = [], pageType, locale = 'en-GB' } = {}) {
      const id = clientId ?? clientToken;
      if (!id) throw new Error('clientId or clientToken is required');
      if (pageType !== undefined && !PAGE_TYPES.includes(pageType))
        throw new Error(`The page type "${pageType}" does not exist`);
      const module = `${origin}/web-sdk/v6/instance.js?client-id=${encodeURIComponent(id)}`;
      const { createSdkInstance } = await import(module).catch(() => {
        throw new Error('The client ID is not valid, or PayPal is unreachable');
      });
      return createSdkInstance({ components, locale });
    },
  };
})();
