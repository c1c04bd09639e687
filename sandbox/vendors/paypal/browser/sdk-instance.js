// What `createInstance` resolves to: the methods of the components that were asked for.
import { defineButton, setButtonLocale } from './button.js';
import { createCardFields } from './card-fields.js';
import { createWallet } from './wallet.js';

const { origin } = new URL(import.meta.url);

export function createSdkInstance({ components, locale }) {
  // Read when something is made: the locale may change meanwhile.
  const current = { locale };
  const known = {
    'card-fields': () => createCardFields(current),
    'paypal-payments': () => {
      defineButton(current.locale);
      return createWallet(current);
    },
  };
  const unknown = components.find((name) => !(name in known));
  if (unknown) throw new Error(`The sandbox has no component "${unknown}"`);

  return {
    ...Object.assign({}, ...components.map((name) => known[name]())),

    async findEligibleMethods() {
      const answer = await fetch(`${origin}/web-sdk/v6/eligibility`);
      const { eligible_methods: eligible } = await answer.json();
      return { isEligible: (name) => eligible.includes(name) };
    },

    updateLocale(next) {
      current.locale = next;
      setButtonLocale(next);
    },
  };
}
