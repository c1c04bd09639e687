// The state that a field reports to the merchant's page. It never includes the value.
import { digitsOf } from './field-format.js';

function passesLuhn(digits) {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const doubled = Number(digit) * (i % 2 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

/** Checks whether a value is valid, and whether further input can make it valid. */
const CHECKS = {
  number: (digits) => ({
    isValid: digits.length >= 12 && passesLuhn(digits),
    isPotentiallyValid: digits.length < 16 || passesLuhn(digits),
  }),
  expiry: (digits) => {
    const [month, year] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
    const whole = digits.length === 4;
    const possible = digits.length < 2 || (month >= 1 && month <= 12);
    const now = new Date();
    const over =
      2000 + year < now.getFullYear() || (2000 + year === now.getFullYear() && month <= now.getMonth());
    return { isValid: whole && possible && !over, isPotentiallyValid: possible && !(whole && over) };
  },
  cvv: (digits) => ({ isValid: digits.length >= 3, isPotentiallyValid: true }),
};

/** Returns the field's state in the format of the SDK's events. */
export function stateOf(type, input) {
  const digits = digitsOf(input.value);
  return {
    ...CHECKS[type](digits),
    isEmpty: input.value === '',
    isFocused: document.activeElement === input,
  };
}

const BRANDS = [
  [/^4/, 'visa', 'Visa', 3],
  [/^(5[1-5]|2[2-7])/, 'master-card', 'Mastercard', 3],
  [/^3[47]/, 'american-express', 'American Express', 4],
  [/^6/, 'discover', 'Discover', 3],
];

/** Returns the possible card brands by the first digits. */
export const cardsOf = (number) =>
  BRANDS.filter(([start]) => start.test(digitsOf(number))).map(([, type, niceType, size]) => ({
    type,
    niceType,
    code: { name: size === 4 ? 'CID' : 'CVV', size },
  }));
