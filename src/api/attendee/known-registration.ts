import { readStatus, type RegistrationStatus } from '../../registrations/status.ts';
import type { Dependencies } from '../dependencies.ts';
import { Problem } from '../problem.ts';

/**
 * The registration that a request is about.
 * @throws Problem `unknown-registration`, or `unavailable` when nobody can be asked
 */
export async function knownRegistration(
  dependencies: Pick<Dependencies, 'temporal' | 'database'>,
  id: string,
): Promise<RegistrationStatus> {
  const answer = await readStatus(dependencies, id);
  switch (answer.found) {
    case 'registration':
      return answer.registration;
    case 'none':
      throw new Problem('unknown-registration');
    case 'unavailable':
      throw new Problem('unavailable', { detail: 'problem.unavailable.status', retryAfterSeconds: 10 });
  }
}
