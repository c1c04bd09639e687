// Formats the input of each card field.
export const digitsOf = (text) => text.replace(/\D/g, '');

export const FORMATS = {
  number: (typed) =>
    digitsOf(typed)
      .slice(0, 19)
      .replace(/(\d{4})(?=\d)/g, '$1 '),
  expiry: (typed) => {
    // Pads single-digit months: "1/", and any first digit from 2 to 9.
    const digits = digitsOf(typed.replace(/^(\d)\D/, '0$1')).replace(/^[2-9]/, '0$&');
    // Accepts years with a century.
    const year =
      digits.length > 5 ? digits.slice(4, 6) : digits.slice(2, 4 + Number(digits.startsWith('20', 2)));
    return digits.length > 2 ? `${digits.slice(0, 2)}/${year}` : digits;
  },
  cvv: (typed) => digitsOf(typed).slice(0, 4),
};
