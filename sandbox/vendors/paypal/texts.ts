/** PayPal's texts for the payer, in the language of the locale that the browser SDK receives. */
import type { CardIssue } from './cards.ts';

export type Language = 'en' | 'de';

/** The language of a BCP 47 locale, with English as the fallback. */
export const languageOf = (locale = ''): Language => (/^de\b/i.test(locale) ? 'de' : 'en');

/** Formats an amount for a language. */
export const money = (
  { value, currency_code }: { value: string; currency_code: string },
  language: Language,
) =>
  new Intl.NumberFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    style: 'currency',
    currency: currency_code,
  }).format(Number(value));

const en = {
  fields: { number: 'Card number', expiry: 'Expiry date', cvv: 'Security code' },
  expiryHint: 'Expiry date (MM/YY)',
  buttons: {
    pay: 'Pay with PayPal',
    buynow: 'Buy now with PayPal',
    checkout: 'Check out with PayPal',
    donate: 'Donate with PayPal',
    subscribe: 'Subscribe with PayPal',
  },
  vault: 'PayPal card payment',
  walletTitle: 'Pay with PayPal',
  challengeTitle: 'Your bank asks you to confirm the payment',
  issues: {
    INVALID_CARD_NUMBER: 'The card number is not valid.',
    INVALID_EXPIRY_DATE: 'The expiry date is not valid. Please enter the month and year.',
    CARD_EXPIRED: 'The card has expired.',
    INVALID_SECURITY_CODE_LENGTH: 'The security code is not valid.',
  } satisfies Record<CardIssue, string>,
  notApprovable: 'This payment cannot be approved.',
  wallet: {
    wait: 'One moment, please. Your payment is being prepared.',
    unknown: 'This order does not exist.',
    approved: 'This order is approved. You can close this page.',
    payAs: 'Pay {amount} with one of these accounts. No real money moves.',
    cancel: 'Cancel and return to the shop',
    done: 'Done. You can close this window.',
  },
  challenge: {
    intro: 'Please confirm the payment of {amount} with the card ending in {digits}. No real money moves.',
    confirm: 'Confirm payment',
    refuse: 'Refuse',
    cancel: 'Cancel',
    gone: 'This request is no longer open.',
  },
};

const de: typeof en = {
  fields: { number: 'Kartennummer', expiry: 'Ablaufdatum', cvv: 'Prüfnummer' },
  expiryHint: 'Ablaufdatum (MM/JJ)',
  buttons: {
    pay: 'Mit PayPal zahlen',
    buynow: 'Jetzt mit PayPal kaufen',
    checkout: 'Mit PayPal zur Kasse',
    donate: 'Mit PayPal spenden',
    subscribe: 'Mit PayPal abonnieren',
  },
  vault: 'Kartenzahlung über PayPal',
  walletTitle: 'Mit PayPal zahlen',
  challengeTitle: 'Ihre Bank bittet Sie, die Zahlung zu bestätigen',
  issues: {
    INVALID_CARD_NUMBER: 'Die Kartennummer ist ungültig.',
    INVALID_EXPIRY_DATE: 'Das Ablaufdatum ist ungültig. Bitte geben Sie Monat und Jahr ein.',
    CARD_EXPIRED: 'Die Karte ist abgelaufen.',
    INVALID_SECURITY_CODE_LENGTH: 'Die Prüfnummer ist ungültig.',
  },
  notApprovable: 'Diese Zahlung kann nicht freigegeben werden.',
  wallet: {
    wait: 'Einen Moment bitte, Ihre Zahlung wird vorbereitet.',
    unknown: 'Diese Bestellung existiert nicht.',
    approved: 'Diese Bestellung ist freigegeben. Sie können diese Seite schließen.',
    payAs: 'Zahlen Sie {amount} mit einem dieser Konten. Es fließt kein echtes Geld.',
    cancel: 'Abbrechen und zurück zum Shop',
    done: 'Fertig. Sie können dieses Fenster schließen.',
  },
  challenge: {
    intro:
      'Bitte bestätigen Sie die Zahlung über {amount} mit der Karte, die auf {digits} endet. Es fließt kein echtes Geld.',
    confirm: 'Zahlung bestätigen',
    refuse: 'Ablehnen',
    cancel: 'Abbrechen',
    gone: 'Diese Anfrage ist nicht mehr offen.',
  },
};

export const TEXTS = { en, de };

/** The SDK's own texts on the merchant's page: the titles of its frames and the labels of its buttons. */
export const sdkTexts = Object.fromEntries(
  Object.entries(TEXTS).map(([language, { fields, buttons, vault, walletTitle, challengeTitle }]) => [
    language,
    { language, fields, buttons, vault, walletTitle, challengeTitle },
  ]),
);
