// Follows one registration: the server says when something changed, and the page is asked for what to show then.
import { ask } from './checkout.js';
import { message } from './messages.js';

const POLL_MS = 3000;
const root = document.querySelector('#registration');
const { id } = root.dataset;
const told = document.querySelector('#resent');

/** The parts of the page as the server sent them: what scripts have done to them since is no difference. */
const parts = new Map([...root.querySelectorAll(':scope > [id]')].map((part) => [part.id, part.outerHTML]));

/** Puts what is new into the page, and leaves alone what is not. Answers whether more may come. */
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
    // The first one tells what the page shows already.
    if (data === root.dataset.state) return;
    root.dataset.state = data;
    refresh().catch(() => undefined);
  });
  events.addEventListener('done', () => (done = true));
  events.addEventListener('error', () => {
    // A lost connection is made again by the browser; where events are not to be had, asking now and then has to do.
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

/** What works with a script only, and the end of what this browser remembers of a registration that needs it no more. */
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
  document.querySelector('#another')?.addEventListener('click', forget);
  if (document.querySelector('#told.confirmed')) forget();
}

function forget() {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith('registration:')))
    if (JSON.parse(localStorage.getItem(key)).id === id) {
      localStorage.removeItem(key);
      sessionStorage.removeItem(key.replace('registration:', 'registration-draft:'));
    }
}

prepare();
if (root.hasAttribute('data-moving')) follow();
