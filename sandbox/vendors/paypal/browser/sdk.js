// The browser SDK in the shape of PayPal's v6 (developer.paypal.com/sdk/js). Like the vendor's, this script is small and
// brings the rest when an instance is created.
(() => {
  const { origin } = new URL(document.currentScript.src);
  const PAGE_TYPES = 'cart checkout home mini-cart product-details product-listing search-results'.split(' ');

  window.paypal = {
    version: '6.0.0-sandbox',

    /** Rejects when the client id is not PayPal's, or an option is none of the vendor's. */
    async createInstance({ clientId, clientToken, components = [], pageType, locale = 'en-GB' } = {}) {
      const id = clientId ?? clientToken;
      if (!id) throw new Error('clientId or clientToken is required');
      if (pageType !== undefined && !PAGE_TYPES.includes(pageType))
        throw new Error(`There is no page type "${pageType}"`);
      const module = `${origin}/web-sdk/v6/instance.js?client-id=${encodeURIComponent(id)}`;
      const { createSdkInstance } = await import(module).catch(() => {
        throw new Error('The client ID is not valid, or PayPal cannot be reached');
      });
      return createSdkInstance({ components, locale });
    },
  };
})();
