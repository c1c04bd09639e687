/** Runs with search attributes, in namespaces that have them. */
import type { Client, Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES, type Status } from '../registration.ts';

const NAMES = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

export type Attributes = Record<Exclude<keyof typeof SEARCH_ATTRIBUTES, 'status'>, string> & {
  status: Status;
};

/** The search attributes with which a run starts. Not every run is about one registration. */
export const searchAttributes = (attributes: Partial<Attributes>) =>
  new TypedSearchAttributes(
    Object.entries(attributes).map(([name, value]) => ({
      key: SEARCH_ATTRIBUTES[name as keyof Attributes],
      value,
    })),
  );

type Operator = Pick<Connection, 'operatorService'>;

/** Adds the search attributes to the namespace. Rejects where this process may not do so, and changes nothing if they exist. */
export async function addSearchAttributes({ operatorService }: Operator, namespace = 'default') {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = NAMES.filter((name) => !(name in customAttributes));
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
  });
}

/** How long an answer about the namespace counts, so that a rush of registrations asks once. */
const KNOWN_FOR_MS = 10_000;
const ASK_MS = 1000;
const known = new WeakMap<object, { until: number; there: Promise<boolean> }>();

/** Says whether the namespace has all search attributes. A server that cannot tell counts as one without them. */
export function hasSearchAttributes({ connection, options: { namespace } }: Client): Promise<boolean> {
  const last = known.get(connection);
  if (last && Date.now() < last.until) return last.there;
  const asked = connection.withDeadline(Date.now() + ASK_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  const there = asked.then(
    ({ customAttributes }) => NAMES.every((name) => name in customAttributes),
    () => false,
  );
  known.set(connection, { until: Date.now() + KNOWN_FOR_MS, there });
  return there;
}
