/** The fields of an event in a form: what they are called, what is in them, and what is wrong with it. */
import {
  CURRENCIES,
  EVENT_FIELDS,
  fieldOf,
  isNew,
  LONGEST,
  type Fault,
  type Fields,
} from '../../event-form.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { readLocalTime, TIME_ZONES } from '../../zoned-time.ts';

const LABELS: Record<(typeof EVENT_FIELDS)[number] | 'id' | 'alt' | 'picture', MessageKey> = {
  name: 'organizer.event.name',
  id: 'organizer.event.id',
  description: 'organizer.event.description',
  timeZone: 'organizer.event.time-zone',
  starts: 'organizer.event.starts',
  ends: 'organizer.event.ends',
  venue: 'organizer.event.venue',
  seller: 'organizer.event.seller',
  currency: 'organizer.event.currency',
  alt: 'organizer.event.picture.alt',
  picture: 'organizer.event.picture.file',
};
const PART_LABELS: Record<string, MessageKey> = {
  name: 'organizer.event.ticket-type.name',
  price: 'organizer.event.ticket-type.price.none',
  capacity: 'organizer.event.ticket-type.capacity',
  saleStarts: 'organizer.event.ticket-type.sale-starts',
  saleEnds: 'organizer.event.ticket-type.sale-ends',
  position: 'organizer.event.ticket-type.position',
  remove: 'organizer.event.ticket-type.remove',
};

/** What others saved meanwhile in the fields of a form, and whether the field shows it. */
export type Meanwhile = Fields;

/** A field of a form. `first`: whether it is the first faulty one, which gets the focus. */
export type Control = {
  kind: 'text' | 'lines' | 'time' | 'choice' | 'check';
  name: string;
  label: string;
  value: string;
  hint: string | null;
  fault: string | null;
  first: boolean;
  /** What somebody else has saved meanwhile; `shown` when the field has it. */
  meanwhile: { text: string; shown: boolean } | null;
  groups?: { group: string | null; values: { value: string; label: string }[] }[];
  maxLength?: number;
  rows?: number;
  isNumber?: boolean;
  wide?: boolean;
};
type More = Partial<Pick<Control, 'groups' | 'maxLength' | 'rows' | 'isNumber' | 'wide' | 'hint'>>;

/** Makes the fields of one form. */
export function createControls(
  { t, locale }: Speech,
  { fields, faults, meanwhile = {} }: { fields: Fields; faults: Fault[]; meanwhile?: Meanwhile },
) {
  const first = faults.find(({ field }) => field !== 'publish' && field !== 'draft')?.field;
  const optional = (label: string) => t('form.optional', { label });

  function control(kind: Control['kind'], name: string, label: string, more: More = {}): Control {
    const fault = faults.find(({ field }) => field === name);
    const value = fields[name] ?? '';
    const saved = meanwhile[name];
    return {
      ...{ kind, name, label, value, hint: null },
      ...more,
      fault: fault ? t(fault.message, fault.values) : null,
      first: name === first,
      meanwhile:
        saved === undefined
          ? null
          : { text: saved === '' ? t('organizer.event.meanwhile.empty') : saved, shown: saved === value },
    };
  }

  function time(name: string, label: string): Control {
    const value = fields[name] ?? '';
    const zone = fields.timeZone ?? '';
    const read = value && TIME_ZONES.includes(zone) ? readLocalTime(value, zone) : undefined;
    const isTwice = read?.status === 'read' && read.twice;
    return control('time', name, label, { hint: isTwice ? t('organizer.event.twice') : null });
  }

  function timeZones(): Control {
    const value = fields.timeZone ?? '';
    const names = value && !TIME_ZONES.includes(value) ? [value, ...TIME_ZONES] : TIME_ZONES;
    const groups = new Map<string, string[]>();
    for (const name of names) {
      const [area = ''] = name.includes('/') ? name.split('/') : ['UTC'];
      groups.set(area, [...(groups.get(area) ?? []), name]);
    }
    return control('choice', 'timeZone', t(LABELS.timeZone), {
      hint: t('organizer.event.time-zone.hint'),
      groups: [
        { group: null, values: [{ value: '', label: t('organizer.event.time-zone.choose') }] },
        ...[...groups].map(([group, zones]) => ({
          group,
          values: zones.map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') })),
        })),
      ],
    });
  }

  function currencies(isLocked: boolean): Control {
    const names = new Intl.DisplayNames(locale, { type: 'currency' });
    const choices = isLocked ? CURRENCIES.filter((code) => code === fields.currency) : CURRENCIES;
    return control('choice', 'currency', t(LABELS.currency), {
      hint: t(isLocked ? 'organizer.event.currency.locked' : 'organizer.event.currency.hint'),
      groups: [
        ...(isLocked
          ? []
          : [{ group: null, values: [{ value: '', label: t('organizer.event.currency.choose') }] }]),
        {
          group: null,
          values: choices.map((code) => ({ value: code, label: `${code} (${names.of(code) ?? code})` })),
        },
      ],
    });
  }

  /** What a ticket type is called in a list of faults. */
  const typeName = (key: string) =>
    fields[fieldOf(key, 'name')]?.trim() ?? t(isNew(key) ? 'organizer.event.ticket-type.new' : LABELS.name);

  /** What a field is called in a list of faults. */
  function labelOf(field: string): string {
    const [, key = '', part = ''] = /^type\.([^.]+)\.(\w+)$/.exec(field) ?? [];
    const label = key ? PART_LABELS[part] : (LABELS as Record<string, MessageKey>)[field];
    if (key && label) return `${typeName(key)}: ${t(label)}`;
    return t(label ?? 'organizer.event.ticket-types');
  }

  return {
    control,
    time,
    /** The fields of the event itself. */
    event: (isLocked: boolean): Control[] => [
      control('text', 'name', t(LABELS.name), { maxLength: LONGEST.name, wide: true }),
      timeZones(),
      time('starts', t(LABELS.starts)),
      time('ends', t(LABELS.ends)),
      control('text', 'venue', t(LABELS.venue), {
        ...{ maxLength: LONGEST.venue, wide: true, hint: t('organizer.event.venue.hint') },
      }),
      control('lines', 'seller', t(LABELS.seller), {
        ...{ maxLength: LONGEST.seller, rows: 4, wide: true, hint: t('organizer.event.seller.hint') },
      }),
      currencies(isLocked),
    ],
    description: (): Control =>
      control('lines', 'description', optional(t(LABELS.description)), {
        ...{
          maxLength: LONGEST.description,
          rows: 10,
          wide: true,
          hint: t('organizer.event.description.hint'),
        },
      }),
    id: (): Control =>
      control('text', 'id', optional(t(LABELS.id)), {
        ...{ maxLength: LONGEST.id, hint: t('organizer.event.id.hint') },
      }),
    alt: (): Control =>
      control('text', 'alt', optional(t(LABELS.alt)), {
        ...{ maxLength: LONGEST.alt, wide: true, hint: t('organizer.event.picture.alt.hint') },
      }),
    /** The fields of one ticket type. */
    ticketType(key: string): Control[] {
      const at = (part: string) => fieldOf(key, part);
      const currency = fields.currency ?? '';
      return [
        control('text', at('name'), t('organizer.event.ticket-type.name'), { maxLength: LONGEST.ticketType }),
        control(
          'text',
          at('price'),
          currency
            ? t('organizer.event.ticket-type.price', { currency })
            : t('organizer.event.ticket-type.price.none'),
          {
            ...{ maxLength: 12, isNumber: true, hint: t('organizer.event.ticket-type.price.hint') },
          },
        ),
        control('text', at('capacity'), optional(t('organizer.event.ticket-type.capacity')), {
          ...{ maxLength: 7, isNumber: true, hint: t('organizer.event.ticket-type.capacity.hint') },
        }),
        control('text', at('position'), t('organizer.event.ticket-type.position'), {
          ...{ maxLength: 3, isNumber: true },
        }),
        time(at('saleStarts'), optional(t('organizer.event.ticket-type.sale-starts'))),
        time(at('saleEnds'), optional(t('organizer.event.ticket-type.sale-ends'))),
        control('check', at('hidden'), t('organizer.event.ticket-type.hidden'), { wide: true }),
        control('check', at('confirmEmail'), t('organizer.event.ticket-type.confirm-email'), { wide: true }),
      ];
    },
    typeName,
    /** All faults, with where they are. */
    faults: faults.map(({ field, message, values }) => ({
      ...{ field, label: labelOf(field), text: t(message, values) },
    })),
  };
}
