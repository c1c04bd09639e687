// Refreshes every element marked as live, except the one that has the focus.
const live = [...document.querySelectorAll('[data-live]')].map(({ id }) => id);

async function refresh() {
  const answer = await fetch(location.href);
  const newest = document.createElement('template');
  newest.innerHTML = await answer.text();
  for (const id of live) {
    const shown = document.getElementById(id);
    const current = newest.content.getElementById(id);
    if (shown.contains(document.activeElement) || shown.isEqualNode(current)) continue;
    shown.replaceWith(current);
  }
}

const notice = document.getElementById('away');
setInterval(() => {
  if (document.hidden) return;
  refresh().then(
    () => (notice.hidden = true),
    () => (notice.hidden = false),
  );
}, 2000);
