/** All workflows of the task queue: what a worker bundles. */
export { registration } from './registration.ts';
export { addRegistration } from './add.ts';
export { importRegistrations } from './import.ts';
export { cancelEvent, tellOwners } from './cancel-event.ts';
export { changeRegistration } from './change.ts';
export { cancelRegistration, refund } from './refund.ts';
export { resendConfirmation } from './resend.ts';
export { signIn } from './sign-in.ts';
