// The questions of the organizers: those that are asked for the chosen ticket, and as they are on the server.

export function openQuestions(form) {
  const part = () => form.querySelector('#questions');

  /** Shows the questions that are asked for a ticket. Without a ticket, those that are asked for each. */
  function showFor(ticketType) {
    const questions = part();
    if (!questions) return;
    const each = [...questions.querySelectorAll('.field')];
    for (const question of each) {
      const { tickets } = question.dataset;
      question.hidden = tickets !== undefined && !tickets.split(' ').includes(ticketType);
    }
    questions.hidden = each.every(({ hidden }) => hidden);
  }

  return {
    showFor,

    /** Asks the server for the questions as they are now. What is typed is the caller's matter. */
    async refresh() {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(
        () => undefined,
      );
      if (!response?.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const fresh = page.querySelector('#questions');
      part()?.remove();
      if (fresh) form.querySelector('#billing').before(document.adoptNode(fresh));
    },
  };
}
