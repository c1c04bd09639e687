// The tickets to choose from, the price that was shown, and the order summary above the button.
import { locale, message } from './messages.js';

/** An amount as the reader writes it: `{ value: "120.00", currency }` becomes €120.00 or 120,00 €. */
function format({ value, currency }) {
  const digits = value.split('.')[1]?.length ?? 0;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
    .format(value)
    .replaceAll('\u00a0', ' ');
}

export function openTickets(form) {
  const list = form.querySelector('.tickets');
  const summary = form.querySelector('#summary');
  const { currency } = form.dataset;
  const inputs = () => [...list.querySelectorAll('[name=ticketType]')];
  const chosen = () => inputs().find(({ checked }) => checked);
  const part = (input, name) => input.closest('.ticket').querySelector(`.${name}`);
  let mine;

  /** Shows which ticket this browser holds a seat of: its own seat is not one of those that others hold. */
  function showMine() {
    const input = inputs().find(({ value }) => value === mine);
    if (input && !input.disabled) part(input, 'left').textContent = message('browser.reserved-for-you');
  }

  function showSummary() {
    const input = chosen();
    summary.hidden = !input;
    if (!input) return;
    summary.querySelector('#summary-ticket').textContent = part(input, 'name').textContent;
    summary.querySelector('#summary-total').textContent = part(input, 'price').textContent;
  }

  return {
    chosen,
    showSummary,
    /** The label of the button for the chosen ticket. */
    action: () => chosen()?.dataset.action ?? message('form.choose-ticket'),
    isFree: () => Number(chosen()?.dataset.amount) === 0,

    /** Marks the ticket that a seat is held of; undefined when there is none. */
    holdFor(ticketType) {
      mine = ticketType;
      showMine();
    },

    /**
     * Compares the price that was shown with the price of the hold, and shows the latter.
     * @returns the new price in words, undefined when the prices are the same
     */
    priceChange(amount) {
      const input = chosen();
      if (Number(input.dataset.amount) === Number(amount.value)) return undefined;
      const price = format({ currency, ...amount });
      input.dataset.amount = amount.value;
      input.dataset.action = message('form.pay', { amount: price });
      part(input, 'price').textContent = price;
      showSummary();
      return price;
    },

    /**
     * Asks the server what is left and shows it. A ticket that is sold out is no longer chosen.
     * @returns the names of the tickets that are still to be had; none when the server did not answer
     */
    async refresh() {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(
        () => undefined,
      );
      if (!response?.ok) return [];
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const fresh = page.querySelector('.tickets');
      // Without a list, the page says that everything is sold out.
      if (!fresh) location.reload();
      const before = chosen()?.value;
      list.innerHTML = fresh?.innerHTML ?? list.innerHTML;
      for (const input of inputs()) input.checked = input.value === before && !input.disabled;
      showMine();
      showSummary();
      return inputs()
        .filter((input) => input.hasAttribute('data-left'))
        .map((input) => part(input, 'name').textContent);
    },
  };
}
