/** What a registration would be if nothing had to be done: one update, four activities. The measure for the product's own. */
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
