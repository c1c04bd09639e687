/** Addresses in Temporal's Web UI. */
import { SEARCH_ATTRIBUTES } from '../registration.ts';

/** What the runs of a list have in common: the reference of a registration, or the ids of its event and its ticket type. */
export type Common = { reference?: string; event?: string | undefined; ticketType?: string | undefined };

/** The Web UI at an address (TEMPORAL_UI_URL), for a namespace. */
export function webUi(url: string, namespace: string) {
  const list = `${url}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return {
    /** A run, the newest one with this workflow id; or, with a run id, the history of that one. */
    run: (workflowId: string, runId?: string) =>
      [list, encodeURIComponent(workflowId), ...(runId === undefined ? [] : [runId, 'history'])].join('/'),

    /** The list of the runs about registrations that have this in common, the newest first. */
    runs(common: Common): string {
      const conditions = Object.entries(common).map(
        ([name, value]) => `${SEARCH_ATTRIBUTES[name as keyof Common].name}="${value}"`,
      );
      const query = conditions.length > 0 ? conditions.join(' AND ') : ANY;
      return `${list}?${new URLSearchParams({ query }).toString()}`;
    },
  };
}
/** All other runs, such as those that mail a link to sign in, have no reference. */
const ANY = `${SEARCH_ATTRIBUTES.reference.name} IS NOT NULL`;
