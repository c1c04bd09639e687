import type { Config } from '../config.ts';
import type { Speech } from '../messages/index.ts';

/** What the pages and mails of a seller link: privacy policy, terms, refund policy, contact; as far as they are set. */
export type SiteLink = { href: string; label: string };

export const siteLinks = (
  {
    privacyUrl,
    termsUrl,
    refundPolicyUrl,
    contactEmail,
  }: Pick<Config, 'privacyUrl' | 'termsUrl' | 'refundPolicyUrl' | 'contactEmail'>,
  { t }: Speech,
): SiteLink[] =>
  [
    { href: privacyUrl, label: t('page.privacy') },
    { href: termsUrl, label: t('page.terms') },
    { href: refundPolicyUrl, label: t('page.refunds') },
    { href: contactEmail && `mailto:${contactEmail}`, label: t('page.contact') },
  ].filter((link): link is SiteLink => !!link.href);
