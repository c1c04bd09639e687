/** What PayPal says to the payer, in the language of the locale that the shop gave to the browser SDK. */
import type { CardIssue } from './cards.ts';

export type Language = 'en' | 'de';

/** The language of a BCP 47 locale; English where it is none of ours. */
export const languageOf = (locale = ''): Language => (/^de\b/i.test(locale) ? 'de' : 'en');

/** An amount as people of that language write it. */
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
    INVALID_EXPIRY_DATE: 'The expiry date is not valid: please enter month and year.',
    CARD_EXPIRED: 'The card has expired.',
    INVALID_SECURITY_CODE_LENGTH: 'The security code is not valid.',
  } satisfies Record<CardIssue, string>,
  notApprovable: 'This payment cannot be approved (any more).',
  wallet: {
    wait: 'One moment, please: your payment is being prepared.',
    unknown: 'There is no such order.',
    approved: 'This order is approved: you can close this page.',
    payAs: 'Pay {amount} as one of these. No real money moves here.',
    cancel: 'Cancel and return to the shop',
    done: 'Done: you can close this window.',
  },
  challenge: {
    intro:
      'A payment of {amount} with the card ending in {digits} is waiting for you. No real money moves here.',
    confirm: 'Confirm payment',
    refuse: 'Refuse',
    cancel: 'Cancel',
    gone: 'This question is not open any more.',
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
    INVALID_CARD_NUMBER: 'Die Kartennummer ist nicht gültig.',
    INVALID_EXPIRY_DATE: 'Das Ablaufdatum ist nicht gültig: Bitte geben Sie Monat und Jahr ein.',
    CARD_EXPIRED: 'Die Karte ist abgelaufen.',
    INVALID_SECURITY_CODE_LENGTH: 'Die Prüfnummer ist nicht gültig.',
  },
  notApprovable: 'Diese Zahlung kann nicht (mehr) freigegeben werden.',
  wallet: {
    wait: 'Einen Moment, bitte: Ihre Zahlung wird vorbereitet.',
    unknown: 'Diese Bestellung gibt es nicht.',
    approved: 'Diese Bestellung ist freigegeben: Sie können diese Seite schließen.',
    payAs: 'Zahlen Sie {amount} mit einem dieser Konten. Hier fließt kein echtes Geld.',
    cancel: 'Abbrechen und zurück zum Shop',
    done: 'Fertig: Sie können dieses Fenster schließen.',
  },
  challenge: {
    intro:
      'Eine Zahlung über {amount} mit der Karte, die auf {digits} endet, wartet auf Sie. Hier fließt kein echtes Geld.',
    confirm: 'Zahlung bestätigen',
    refuse: 'Ablehnen',
    cancel: 'Abbrechen',
    gone: 'Diese Frage ist nicht mehr offen.',
  },
};

export const TEXTS = { en, de };

/** What the SDK itself says, on the shop's page: titles of its frames and the labels of its buttons. */
export const sdkTexts = Object.fromEntries(
  Object.entries(TEXTS).map(([language, { fields, buttons, vault, walletTitle, challengeTitle }]) => [
    language,
    { language, fields, buttons, vault, walletTitle, challengeTitle },
  ]),
);
