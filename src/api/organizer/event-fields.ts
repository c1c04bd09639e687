/** The form of an event as it comes in: fields whose names are known, and whose values are texts. */
import { Check } from 'typebox/value';
import type { Fault, Fields } from '../../event-form.ts';
import { Problem } from '../problem.ts';
import { ActionId } from './action.ts';

/** Bytes of a form: a long description that is written in three bytes for each byte, and once more as it was before. */
export const EDITOR_BYTES = 512 * 1024;

/** What a form has besides the fields of an event. `was`: these fields as the page showed them first. */
export type EditorForm = {
  action: string;
  version: number;
  what: string;
  was: Fields;
  fields: Fields;
  /** The file, empty where none was chosen. */
  picture: Buffer | undefined;
};

/** @throws Problem `invalid-fields` for a form that no page of ours has */
export function readForm(body: unknown, isField: (name: string) => boolean): EditorForm {
  const { action, version, do: what, was, picture, ...rest } = Object(body) as Record<string, unknown>;
  if (!Check(ActionId, action)) throw unknownFields(['action']);
  const odd = Object.keys(rest).filter((name) => !isField(name) || typeof rest[name] !== 'string');
  if (odd.length > 0) throw unknownFields(odd);
  return {
    ...{ action, version: typeof version === 'string' && /^\d{1,9}$/.test(version) ? Number(version) : 0 },
    what: typeof what === 'string' ? what : '',
    was: readWas(was),
    fields: Object.fromEntries(
      Object.entries(rest as Fields).map(([name, value]) => [name, value.replaceAll(/\r\n?/g, '\n')]),
    ),
    picture: Buffer.isBuffer(picture) ? picture : undefined,
  };
}

const unknownFields = (names: string[]) =>
  new Problem('invalid-fields', {
    errors: names.slice(0, 20).map((name) => ({ pointer: pointerTo(name), detail: 'fault.unknown' })),
  });
const pointerTo = (field: string) => `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** What it says only decides how a form is shown that came too late, so that anything else counts as nothing. */
function readWas(was: unknown): Fields {
  try {
    const read: unknown = JSON.parse(typeof was === 'string' ? was : '{}');
    const entries = Object.entries(Object(read) as Record<string, unknown>);
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

export const toInvalidFields = (faults: Fault[]): Problem =>
  new Problem('invalid-fields', {
    errors: faults.map(({ field, message, values }) => ({
      ...{ pointer: pointerTo(field), detail: message },
      ...(values && { values }),
    })),
  });
