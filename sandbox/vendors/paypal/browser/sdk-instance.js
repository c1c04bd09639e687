// The result of `createInstance`: the methods of the requested components.
import { defineButton, setButtonLocale } from './button.js';
import { createCardFields } from './card-fields.js';
import { createWallet } from './wallet.js';

const { origin } = new URL(import.meta.url);

export function createSdkInstance({ components, locale }) {
  // A shared object, because `updateLocale` may change the locale later.
  const current = { locale };
  const known = {
    'card-fields': () => createCardFields(current),
    'paypal-payments': () => {
      defineButton(current.locale);
      return createWallet(current);
    },
  };
  const unknown = components.find((name) => !(name in known));
  if (unknown) throw new Error(`The sandbox does not support the component "${unknown}"`);

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
