// One card field, in a frame of its own: hands its value to the vault frame of the same session, and to nobody else.
const input = document.querySelector('input');
const { type, session } = document.body.dataset;
const channel = new BroadcastChannel(`card-${session}`);

channel.onmessage = ({ data }) => {
  if (data === 'collect') channel.postMessage({ type, value: input.value });
};

// How a field reads, from what was typed.
const FORMATS = {
  number: (typed) =>
    digitsOf(typed)
      .slice(0, 19)
      .replace(/(\d{4})(?=\d)/g, '$1 '),
  expiry: (typed) => {
    // A month of one digit: "1/" and anything from 2 on.
    const digits = digitsOf(typed.replace(/^(\d)\D/, '0$1')).replace(/^[2-9]/, '0$&');
    // A year may come with its century.
    const year =
      digits.length > 5 ? digits.slice(4, 6) : digits.slice(2, 4 + Number(digits.startsWith('20', 2)));
    return digits.length > 2 ? `${digits.slice(0, 2)}/${year}` : digits;
  },
  cvv: (typed) => digitsOf(typed).slice(0, 4),
};
const digitsOf = (text) => text.replace(/\D/g, '');

input.addEventListener('input', () => {
  const formatted = FORMATS[type](input.value);
  if (formatted === input.value) return;
  // Formatting puts the cursor at the end: who corrects a digit in the middle wants to stay behind it.
  const behind = digitsOf(input.value.slice(input.selectionEnd)).length;
  input.value = formatted;
  let cursor = formatted.length;
  for (let left = behind; left > 0; cursor--) if (/\d/.test(formatted[cursor - 1])) left--;
  input.setSelectionRange(cursor, cursor);
});
