/** The mails that tell owners what needs attention. They name nobody: counts and links only. */
import type { Condition } from '../../database/desk/attention.ts';
import { speak } from '../../messages/index.ts';
import type { Language } from '../../registration.ts';
import { shortTime } from '../dates.ts';
import { siteLinks } from '../links.ts';
import { attentionAddress } from '../organizer/attention.ts';
import { NEEDS } from '../organizer/list.ts';
import { render, type Mail } from './emails.ts';

type Alert = {
  condition: Condition;
  /** Registrations, when it began. */
  count: number;
  kind: 'begun' | 'over';
  beganAt: Date;
  language: Language;
  publicUrl: string;
  site: Parameters<typeof siteLinks>[0];
};

/** Tells that something has needed attention for an hour, or that it does not any more. */
export function alertMail({ condition, count, kind, beganAt, language, publicUrl, site }: Alert): Mail {
  const speech = speak(language);
  const { t, locale } = speech;
  const host = new URL(publicUrl).host;
  const values = { what: t(NEEDS[condition]), count, since: `${shortTime(beganAt, 'UTC', locale)} UTC` };
  const isOver = kind === 'over';
  const title = isOver ? t('organizer.mail.alert.over', values) : t('organizer.mail.alert.begun', values);
  return render('alert', t('organizer.mail.alert.subject', { title, site: host }), {
    ...{ ...speech, title },
    text: isOver ? t('organizer.mail.alert.over.text', values) : t('organizer.mail.alert.begun.text', values),
    button: isOver ? t('organizer.mail.alert.over.button') : t('organizer.mail.alert.begun.button'),
    link: publicUrl + (isOver ? '/organizer' : attentionAddress(condition)),
    because: t('organizer.mail.alert.because', { site: host }),
    links: siteLinks(site, speech),
  });
}
