// Shows what went wrong: above the form, and at each field that is at fault.
import { message } from './messages.js';

export function openProblems(form, box) {
  let list;

  return {
    /** Shows a problem and moves the focus to it. `show` shows the error of one field. */
    show({ title, detail, errors = [] }, show) {
      const heading = document.createElement('h2');
      heading.textContent = title;
      const text = document.createElement('p');
      text.textContent = detail;
      list = document.createElement('ul');
      for (const { pointer, detail: fault } of errors) {
        const path = pointer.slice(1);
        show(path, fault);
        const label =
          form.elements[path]?.labels?.[0] ?? document.querySelector(`#${CSS.escape(path)} > legend`);
        const link = document.createElement('a');
        link.href = `#${path}`;
        link.textContent = message('browser.problem', { label: label?.textContent.trim() ?? path, fault });
        const item = document.createElement('li');
        item.append(link);
        list.append(item);
      }
      box.replaceChildren(heading, text, list);
      box.hidden = false;
      box.focus();
    },

    /** Takes a field that was corrected off the list. With the last one, the problem is gone. */
    corrected(path) {
      const link = list?.querySelector(`[href="#${CSS.escape(path)}"]`);
      if (!link) return;
      link.parentElement.remove();
      if (!list.children.length) box.hidden = true;
    },

    clear() {
      list = undefined;
      box.hidden = true;
    },
  };
}
