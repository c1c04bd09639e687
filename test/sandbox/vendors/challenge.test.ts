/** Tests 3-D Secure: the verification that an order requests, and the challenge for the payer. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf, startPayer, type Payer } from './payer.ts';
import { customer, startShop, type Shop } from './shop.ts';

const CHALLENGE_CARD = '4868719460707704';
const CARD = { number: CHALLENGE_CARD, expiry: '1234', cvv: '123' };
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

describe('the challenge', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await startShop();
  });
  afterEach(() => shop.closePages());
  afterAll(() => shop.close());

  /** Submits the card and waits for the challenge. */
  async function openChallenge(locale = 'en-GB') {
    const order = await shop.openOrder();
    const page = await shop.visit({ order, locale });
    const person = customer(page);
    await person.fill(CARD);
    await person.submit();
    await person.bank.getByRole('heading').waitFor();
    return { order, page, person };
  }

  it('reports a possible liability shift when the payer confirms, and the order can be captured', async () => {
    const { order, person } = await openChallenge();
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

  it('lets the submit succeed when the payer refuses, and the order shows the failed authentication', async () => {
    const { order, person } = await openChallenge();
    await person.bank.getByRole('button', { name: 'Refuse' }).click();
    expect(await person.told('submitted')).toMatchObject({
      state: 'succeeded',
      data: { liabilityShift: 'NO' },
    });
    expect(await shop.order(order)).toMatchObject(authentication('NO', 'N'));
    const overview = await (await fetch(shop.sandbox.url)).text();
    expect(overview).toContain('3-D Secure N, liability shift NO');
  });

  it('approves nothing when the payer cancels, and the payer can try again', async () => {
    const { order, person } = await openChallenge();
    await person.bank.getByRole('button', { name: 'Cancel' }).click();
    expect(await person.told('submitted')).toMatchObject({ state: 'canceled', data: { orderId: order } });
    expect((await shop.order(order)).status).toBe('CREATED');
    await person.submit();
    await person.bank.getByRole('button', { name: 'Confirm payment' }).click();
    await expect.poll(async () => (await person.told('submitted')).state).toBe('succeeded');
  });

  it('receives the focus, keeps it, and returns it', async () => {
    const { page, person } = await openChallenge();
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

  it('uses the language of the locale', async () => {
    const { page, person } = await openChallenge('de-DE');
    expect(await person.bank.locator('html').getAttribute('lang')).toBe('de');
    await page.getByRole('dialog', { name: 'Ihre Bank bittet Sie, die Zahlung zu bestätigen' }).waitFor();
    await person.bank.getByRole('button', { name: 'Zahlung bestätigen' }).click();
    expect(await person.told('submitted')).toMatchObject({ state: 'succeeded' });
  });

  it('is not shown for a card without 3-D Secure', async () => {
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
    ['a number', { number: CHALLENGE_CARD, expiry: '2034-12' }],
    ['a security code', { security_code: '123' }],
  ])('is refused with %s of a card in the request', async (_what, card) => {
    const before = payer.sandbox.ledger().orders.length;
    expect(await open(card)).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING' }] },
    });
    expect(payer.sandbox.ledger().orders).toHaveLength(before);
  });

  it('is refused with card data in the capture request', async () => {
    const orderId = await payer.approved();
    const body = { payment_source: { card: { number: CHALLENGE_CARD, expiry: '2034-12' } } };
    expect(await payer.send(`/v2/checkout/orders/${orderId}/capture`, body)).toMatchObject({ status: 422 });
  });

  it('is refused with a verification that does not exist', async () => {
    const field = '/payment_source/card/attributes/verification/method';
    expect(await open(verified('ALWAYS'))).toMatchObject({
      status: 400,
      body: { details: [{ field, issue: 'INVALID_PARAMETER_VALUE' }] },
    });
  });

  it('with a payment source requires a request id', async () => {
    expect(await open(verified('SCA_ALWAYS'), {})).toMatchObject({
      status: 400,
      body: { details: [{ issue: 'PAYPAL_REQUEST_ID_REQUIRED' }] },
    });
  });

  it('without verification is declined at capture if the bank requires 3-D Secure', async () => {
    const orderId = await opened();
    expect(payer.sandbox.approve(orderId, { number: CHALLENGE_CARD })).toBeUndefined();
    expect(captureOf(await payer.capture(orderId))).toMatchObject({
      status: 'DECLINED',
      processorResponse: { responseCode: '5650' },
    });
  });

  it('with SCA_ALWAYS requires a challenge for every card', async () => {
    const orderId = await opened(verified('SCA_ALWAYS'));
    expect(payer.sandbox.approve(orderId, {}, 'cancel')).toBe('The payer cancelled.');
    expect(payer.sandbox.approve(orderId, {}, 'refuse')).toBeUndefined();
    expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication('NO', 'N'));
    expect(payer.sandbox.approve(orderId, {}, 'confirm')).toBeUndefined();
    expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication('POSSIBLE', 'Y'));
  });

  it.each([
    ['4868719196829038', 'POSSIBLE', 'Y'],
    ['4868719158130060', 'NO', 'N'],
    ['4868719115514992', 'UNKNOWN', 'U'],
  ])(
    'returns the authentication result of card %s without a challenge: %s',
    async (number, shift, status) => {
      const orderId = await payer.approved(number);
      expect(await payer.paypal.getOrder(orderId, 5000)).toMatchObject(authentication(shift, status));
    },
  );

  it('of the product requests SCA_WHEN_REQUIRED and contains no card data', async () => {
    await payer.open();
    const order = payer.sandbox.ledger().orders.at(-1);
    expect(order).toMatchObject({ verification: 'SCA_WHEN_REQUIRED' });
    expect(order?.source).toBeUndefined();
  });
});
