/** All workflows of the task queue: what a worker bundles. */
export { registration } from './registration.ts';
export { resendConfirmation } from './resend.ts';
