// The 3-D Secure challenge. Its single result is sent to the merchant's page as the outcome of the submit.
const { id, merchant, locale } = document.body.dataset;
let answered = false;

async function answer(value) {
  if (answered) return;
  answered = true;
  const response = await fetch('/sandbox/card/challenge', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, answer: value, locale }),
  });
  parent.postMessage({ challenge: id, result: await response.json() }, merchant);
}

document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  answer(event.submitter.value);
});
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') answer('cancel');
});
// Focusing the heading makes screen readers announce the challenge.
document.querySelector('h1').focus();
