// Follows one registration. When the server reports a change, the page is fetched and its parts are updated.
import { ask, forget } from './checkout.js';
import { message } from './messages.js';

const POLL_MS = 3000;
const root = document.querySelector('#registration');
const { id } = root.dataset;
const told = document.querySelector('#resent');

/** The parts of the page as the server sent them. Later changes by scripts do not count as a difference. */
const parts = new Map([...root.querySelectorAll(':scope > [id]')].map((part) => [part.id, part.outerHTML]));

/** Updates only the parts that have changed. Returns whether more changes may follow. */
async function refresh() {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!response.ok) return true;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  document.title = page.title;
  for (const part of page.querySelectorAll('#registration > [id]')) {
    const shown = document.getElementById(part.id);
    if (!shown || parts.get(part.id) === part.outerHTML) continue;
    parts.set(part.id, part.outerHTML);
    shown.className = part.className;
    shown.innerHTML = part.innerHTML;
  }
  prepare();
  return page.querySelector('[data-moving]') !== null;
}

function poll() {
  const timer = setInterval(async () => {
    const more = await refresh().catch(() => true);
    if (!more) clearInterval(timer);
  }, POLL_MS);
}

function follow() {
  const events = new EventSource(`/api/registrations/${id}/events`);
  let done = false;
  events.addEventListener('message', ({ data }) => {
    // The first event repeats what the page already shows.
    if (data === root.dataset.state) return;
    root.dataset.state = data;
    refresh().catch(() => undefined);
  });
  events.addEventListener('done', () => (done = true));
  events.addEventListener('error', () => {
    // The browser reconnects by itself. If events are not available at all, poll instead.
    if (done) events.close();
    else if (events.readyState === EventSource.CLOSED) poll();
  });
}

async function resend() {
  told.textContent = message('browser.resending');
  try {
    await ask('POST', `/api/registrations/${id}/resend`, {});
    told.textContent = message('browser.resent');
  } catch (error) {
    const { title, detail } = error.problem ?? {};
    told.textContent = title ? `${title}. ${detail}` : message('browser.offline');
  }
}

/** Enables the buttons that need a script, and deletes the stored registration once it is confirmed. */
function prepare() {
  for (const [selector, action] of [
    ['#print', () => print()],
    ['#resend', resend],
  ]) {
    const button = document.querySelector(selector);
    if (!button) continue;
    button.hidden = false;
    button.onclick = action;
  }
  document.querySelector('#another')?.addEventListener('click', () => forget(id));
  if (document.querySelector('#told.confirmed')) forget(id);
}

prepare();
if (root.hasAttribute('data-moving')) follow();
