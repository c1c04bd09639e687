import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES, type Status } from '../registration.ts';

/** Changes what Temporal's list of runs says about the registration of this run, if the run was started with search attributes. */
export function showInList(shown: { status?: Status; ticketType?: string }): void {
  const known = workflowInfo().typedSearchAttributes;
  const changed = (['status', 'ticketType'] as const).flatMap((name) => {
    const [key, value] = [SEARCH_ATTRIBUTES[name], shown[name]];
    const before = known.get(key);
    return value === undefined || before === undefined || before === value ? [] : [{ key, value }];
  });
  if (changed.length > 0) upsertSearchAttributes(changed);
}
