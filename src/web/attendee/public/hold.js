// Counts down how long the seat is held, warns, and offers to renew the hold.
import { message } from './messages.js';

const WARN_AT_S = 120;

/** @param renew renews the hold when the attendee asks for it */
export function openHold(element, renew) {
  const [shown, spoken] = element.querySelectorAll('p');
  const keep = element.querySelector('button');
  let until = null;
  /** What was announced last: each announcement is made once. */
  let announced = '';

  function announce(key) {
    if (announced !== key) spoken.textContent = key ? message(key) : '';
    announced = key;
  }

  function tick() {
    element.hidden = until === null;
    if (until === null) return;
    // The server's clock is known to the second, so the part of a second that is left over does not count.
    const left = Math.max(0, Math.floor((until - Date.now()) / 1000));
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    const isOver = left === 0;
    shown.textContent = isOver ? message('browser.hold-over') : message('browser.held', { time });
    element.classList.toggle('short', left <= WARN_AT_S);
    keep.hidden = left > WARN_AT_S;
    keep.textContent = message(isOver ? 'browser.hold-again' : 'browser.extend');
    if (isOver) announce('browser.hold-over');
    else if (left <= WARN_AT_S) announce('browser.held-short');
  }
  setInterval(tick, 1000);

  keep.addEventListener('click', async () => {
    keep.disabled = true;
    const before = until;
    await renew();
    keep.disabled = false;
    announce(until > before ? 'browser.extended' : until === before ? 'browser.hold-longest' : '');
  });

  return {
    /** Shows until when (ms) the seat is held, or hides the countdown if null. */
    show(heldUntil) {
      until = heldUntil ?? null;
      announce('');
      tick();
    },
  };
}
