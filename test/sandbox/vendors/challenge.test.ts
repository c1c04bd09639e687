/** 3-D Secure: what an order asks for, and the bank's question to the person. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf, startPayer, type Payer } from './payer.ts';
import { customer, startShop, type Shop } from './shop.ts';

const ASKS = '4868719460707704';
const CARD = { number: ASKS, expiry: '1234', cvv: '123' };
const authentication = (liabilityShift: string, authenticationStatus: string) => ({
  paymentSource: {
    card: {
      authenticationResult: {
        liabilityShift,
        threeDSecure: { enrollmentStatus: 'Y', authenticationStatus },
      },
    },
  },
});

describe('the question', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await startShop();
  });
  afterEach(() => shop.closePages());
  afterAll(() => shop.close());

  /** Fills the card in and submits it; the bank asks. */
  async function asked(locale = 'en-GB') {
    const order = await shop.openOrder();
    const page = await shop.visit({ order, locale });
    const person = customer(page);
    await person.fill(CARD);
    await person.submit();
    await person.bank.getByRole('heading').waitFor();
    return { order, page, person };
  }

  it('confirmed: the liability may shift, and the order is captured', async () => {
    const { order, person } = await asked();
    await person.bank.getByText('€120.00 with the card ending in 7704').waitFor();
    await person.bank.getByRole('button', { name: 'Confirm payment' }).click();
    expect(await person.told('submitted')).toEqual({
      what: 'submitted',
      state: 'succeeded',
      data: { orderId: order, liabilityShift: 'POSSIBLE' },
    });
    expect(await shop.order(order)).toMatchObject({ status: 'APPROVED', ...authentication('POSSIBLE', 'Y') });
    expect(captureOf(await shop.capture(order))).toMatchObject({ status: 'COMPLETED' });
  });

  it('refused: the submit succeeds all the same, and the order tells that nobody was authenticated', async () => {
    const { order, person } = await asked();
    await person.bank.getByRole('button', { name: 'Refuse' }).click();
    expect(await person.told('submitted')).toMatchObject({
      state: 'succeeded',
      data: { liabilityShift: 'NO' },
    });
    expect(await shop.order(order)).toMatchObject(authentication('NO', 'N'));
    const overview = await (await fetch(shop.sandbox.url)).text();
    expect(overview).toContain('3-D Secure N, liability shift NO');
  });

  it('cancelled: nothing is approved, and the person may try again', async () => {
    const { order, person } = await asked();
    await person.bank.getByRole('button', { name: 'Cancel' }).click();
    expect(await person.told('submitted')).toMatchObject({ state: 'canceled', data: { orderId: order } });
    expect((await shop.order(order)).status).toBe('CREATED');
    await person.submit();
    await person.bank.getByRole('button', { name: 'Confirm payment' }).click();
    await expect.poll(async () => (await person.told('submitted')).state).toBe('succeeded');
  });

  it('takes the focus, keeps it, and gives it back', async () => {
    const { page, person } = await asked();
    expect(await page.evaluate('document.activeElement.title')).toBe(
      'Your bank asks you to confirm the payment',
    );
    const focused = person.bank.locator(':focus');
    await expect.poll(() => focused.innerText()).toBe('Your bank asks you to confirm the payment');
    await page.keyboard.press('Tab');
    expect(await focused.innerText()).toBe('Confirm payment');
    await page.keyboard.press('Escape');
    expect(await person.told('submitted')).toMatchObject({ state: 'canceled' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Pay');
  });

  it('comes in the language of the locale', async () => {
    const { page, person } = await asked('de-DE');
    expect(await person.bank.locator('html').getAttribute('lang')).toBe('de');
    await page.getByRole('dialog', { name: 'Ihre Bank bittet Sie, die Zahlung zu bestätigen' }).waitFor();
    await person.bank.getByRole('button', { name: 'Zahlung bestätigen' }).click();
    expect(await person.told('submitted')).toMatchObject({ state: 'succeeded' });
  });

  it('is not for a card whose bank has nothing to ask', async () => {
    const order = await shop.openOrder();
    const person = customer(await shop.visit({ order }));
    await person.fill({ ...CARD, number: '4012888888881881' });
    await person.submit();
    expect(await person.told('submitted')).toEqual({
      what: 'submitted',
      state: 'succeeded',
      data: { orderId: order },
    });
  });
});

describe('an order', () => {
  let payer: Payer;
  beforeAll(async () => {
    payer = await startPayer();
  });
  afterAll(() => payer.sandbox.close());

  const open = (card?: object, headers: Record<string, string> = { 'paypal-request-id': randomUUID() }) =>
    payer.send(
      '/v2/checkout/orders',
      {
        intent: 'CAPTURE',
        purchase_units: [{ amount: { currency_code: 'EUR', value: '10.00' } }],
        ...(card ? { payment_source: { card } } : {}),
      },
      headers,
    );
  const verified = (method: string) => ({ attributes: { verification: { method } } });
  const opened = async (card?: object): Promise<string> => {
    const { status } = await open(card);
    expect(status).toBe(201);
    return payer.sandbox.ledger().orders.at(-1)?.id ?? '';
  };

  it.each([
    ['a number', { number: ASKS, expiry: '2034-12' }],
    ['a security code', { security_code: '123' }],
  ])('is refused with %s of a card in it', async (_what, card) => {
    const before = payer.sandbox.ledger().orders.length;
    expect(await open(card)).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING' }] },
    });
    expect(payer.sandbox.ledger().orders).toHaveLength(before);
  });

  it('is refused with a card in the request for its capture', async () => {
    const orderId = await payer.approved();
    const body = { payment_source: { card: { number: ASKS, expiry: '2034-12' } } };
    expect(await payer.send(`/v2/checkout/orders/${orderId}/capture`, body)).toMatchObject({ status: 422 });
  });

  it('is refused with a verification that does not exist', async () => {
    const field = '/payment_source/card/attributes/verification/method';
    expect(await open(verified('ALWAYS'))).toMatchObject({
      status: 400,
      body: { details: [{ field, issue: 'INVALID_PARAMETER_VALUE' }] },
    });
  });

  it('with a payment source needs a request id', async () => {
    expect(await open(verified('SCA_ALWAYS'), {})).toMatchObject({
      status: 400,
      body: { details: [{ issue: 'PAYPAL_REQUEST_ID_REQUIRED' }] },
    });
  });

  it('that asked for nothing is declined at capture where the bank insists', async () => {
    const orderId = await opened();
    expect(payer.sandbox.approve(orderId, { number: ASKS })).toBeUndefined();
    expect(captureOf(await payer.capture(orderId))).toMatchObject({
      status: 'DECLINED',
      processorResponse: { responseCode: '5650' },
    });
  });

  it('with SCA_ALWAYS has every card asked', async () => {
    const orderId = await opened(verified('SCA_ALWAYS'));
    expect(payer.sandbox.approve(orderId, {}, 'cancel')).toBe('The person cancelled.');
    expect(payer.sandbox.approve(orderId, {}, 'refuse')).toBeUndefined();
    expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication('NO', 'N'));
    expect(payer.sandbox.approve(orderId, {}, 'confirm')).toBeUndefined();
    expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication('POSSIBLE', 'Y'));
  });

  it.each([
    ['4868719196829038', 'POSSIBLE', 'Y'],
    ['4868719158130060', 'NO', 'N'],
    ['4868719115514992', 'UNKNOWN', 'U'],
  ])('tells what the bank of %s said without a question: %s', async (number, shift, status) => {
    const orderId = await payer.approved(number);
    expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication(shift, status));
  });

  it('of the product asks for verification where the law wants it, and says no more of a card', async () => {
    await payer.open();
    const order = payer.sandbox.ledger().orders.at(-1);
    expect(order).toMatchObject({ verification: 'SCA_WHEN_REQUIRED' });
    expect(order?.source).toBeUndefined();
  });
});
