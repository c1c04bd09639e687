// One card field, in a frame of its own: hands its value to the vault frame of the same session, and to nobody else.
const input = document.querySelector('input');
const channel = new BroadcastChannel(`card-${document.body.dataset.session}`);
const { type } = document.body.dataset;

channel.onmessage = ({ data }) => {
  if (data === 'collect') channel.postMessage({ type, value: input.value });
};

const grouped = {
  number: (digits) => digits.slice(0, 19).replace(/(\d{4})(?=\d)/g, '$1 '),
  expiry: (digits) => (digits.length > 2 ? `${digits.slice(0, 2)}/${digits.slice(2).slice(-2)}` : digits),
  cvv: (digits) => digits.slice(0, 4),
};
input.addEventListener('input', () => {
  const digits = input.value.replace(/\D/g, '');
  input.value = grouped[type](digits);
});
