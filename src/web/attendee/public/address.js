// The billing address: it has the fields, the labels and the lists of the country, and as few fields as possible.
import { message } from './messages.js';
import { regionsOf } from './regions.js';

/** The country that the browser's languages name, or the one where most readers of the language live; not for English. */
function likelyCountry() {
  const locales = navigator.languages.map((language) => new Intl.Locale(language));
  const named = locales.find(({ region }) => region);
  return named?.region ?? locales.find(({ language }) => language !== 'en')?.maximize().region;
}

/** @param onOptional called with a field that is not required any more */
export function openAddress(form, onOptional) {
  const country = form.elements['billing/countryCode'];
  const regionText = form.elements['billing/region'];
  const secondLine = form.elements['billing/addressLine2'];
  const addLine = form.querySelector('#add-line');

  /** The region as a list to choose from, for countries that have one, or as a text field. */
  function regionField() {
    const shown = form.elements['billing/region'];
    const regions = regionsOf(country.value);
    let field = regionText;
    if (regions) {
      field = document.createElement('select');
      for (const name of ['id', 'name', 'autocomplete', 'aria-describedby'])
        field.setAttribute(name, regionText.getAttribute(name));
      field.append(new Option(message('form.choose-region'), ''));
      for (const { value, name } of regions) field.append(new Option(name, value));
    }
    if (field !== shown) shown.replaceWith(field);
    return field;
  }

  function showSecondLine() {
    addLine.hidden = true;
    secondLine.closest('.field').hidden = false;
  }
  addLine.addEventListener('click', () => {
    showSecondLine();
    secondLine.focus();
  });

  /** Applies the labels, the required fields and the regions of the selected country. */
  function applyCountry() {
    const { postal, region, noPostal, needsRegion, noRegion } = country.selectedOptions[0].dataset;
    regionField().closest('.field').hidden = noRegion !== undefined || !postal;
    if (!postal) return;
    const rules = {
      postalCode: [postal, noPostal === undefined],
      region: [region, needsRegion !== undefined],
    };
    for (const [name, [label, required]] of Object.entries(rules)) {
      const field = form.elements[`billing/${name}`];
      field.required = required;
      field.labels[0].textContent = label;
      if (!required) onOptional(field);
    }
  }
  form.addEventListener('change', ({ target }) => {
    if (target === country) applyCountry();
  });

  return {
    /** Shows the address of a draft, whose values are in the other fields already. */
    restore(draft) {
      const likely = [...country.options].find(({ value }) => value === likelyCountry());
      country.value = draft.get(country.name) ?? likely?.value ?? '';
      applyCountry();
      // The country decides which field the region is.
      form.elements['billing/region'].value = draft.get('billing/region') ?? '';
      if (secondLine.value) showSecondLine();
    },
  };
}
