import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { onTestFinished } from 'vitest';

/** Notes, until the test is over, the PayPal-Request-Id of each request of this process to a path that ends so. */
export function requestIdsTo(path: string): string[] {
  const ids: string[] = [];
  const note = (message: unknown) => {
    const { request } = message as { request: ClientRequest };
    const id = request.getHeader('paypal-request-id');
    if (request.path.endsWith(path)) ids.push(typeof id === 'string' ? id : 'none');
  };
  diagnostics.subscribe('http.client.request.start', note);
  onTestFinished(() => void diagnostics.unsubscribe('http.client.request.start', note));
  return ids;
}
