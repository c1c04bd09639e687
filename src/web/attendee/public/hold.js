// The countdown of the hold, with a warning before it ends and a button to extend it.
import { message } from './messages.js';

const WARN_AT_S = 120;

/** @param extend renews the hold; called when the button is pressed */
export function openHold(element, extend) {
  const [shown, spoken] = element.querySelectorAll('p');
  const keep = element.querySelector('button');
  let until = null;
  let warned = false;

  function tick() {
    element.hidden = until === null;
    if (until === null) return;
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    shown.textContent = left > 0 ? message('browser.held', { time }) : message('browser.hold-over');
    element.classList.toggle('short', left <= WARN_AT_S);
    keep.hidden = left > WARN_AT_S;
    if (left <= WARN_AT_S && !warned) spoken.textContent = message('browser.held-short');
    warned = left <= WARN_AT_S;
  }
  setInterval(tick, 1000);

  keep.addEventListener('click', async () => {
    keep.disabled = true;
    const before = until;
    await extend();
    keep.disabled = false;
    if (until > before) spoken.textContent = message('browser.extended');
  });

  return {
    /** Starts the countdown to the end of the hold (in ms). Null hides it. */
    show(heldUntil) {
      until = heldUntil ?? null;
      warned = false;
      spoken.textContent = '';
      tick();
    },
  };
}
