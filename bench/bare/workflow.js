/** The baseline for the product's workflow: one update and four activities that do no work. */
import {
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

const { takePayment, saveOrder, sendConfirmation, addToMailingList } = proxyActivities({
  startToCloseTimeout: '15s',
});
const pay = defineUpdate('pay');

export async function bare(id) {
  const payment = takePayment(id);
  setHandler(pay, () => payment);
  await payment;
  await Promise.all([saveOrder(id), sendConfirmation(id), addToMailingList(id)]);
  await condition(allHandlersFinished);
  return id;
}
