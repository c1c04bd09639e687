import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startSandbox } from '../../../sandbox/vendors/server.ts';
import { captureOf, connect, openOrder, TIMEOUT_MS } from './payer.ts';

describe('the journal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('keeps all data over restarts, discards an incomplete last line, and stores no card data', async () => {
    const dataFile = join(folder, 'deep', 'sandbox.jsonl');
    const first = await startSandbox({ dataFile });
    const client = connect(first.url);
    const orderId = await openOrder(client);
    first.approve(orderId, { number: '5555 5555 5555 4444', expiry: '11/39', cvv: '987' });
    const taken = captureOf(await client.captureOrder(orderId, 'kept', TIMEOUT_MS));
    await client.refundCapture(taken?.id ?? '', 'refund-kept', TIMEOUT_MS);
    const before = first.ledger();
    await first.close();

    const written = readFileSync(dataFile, 'utf8');
    expect(written).not.toMatch(/5555[ -]?5555[ -]?5555|"987"/);
    expect(written).toContain('4444');
    appendFileSync(dataFile, '[["paypal.orders","HALF",{"descriptio');

    // The port stays the same, so the client continues with a token that the new sandbox does not know.
    const second = await startSandbox({ dataFile, port: Number(new URL(first.url).port) });
    expect(second.ledger()).toEqual(before);
    expect(readFileSync(dataFile, 'utf8')).toBe(written);
    const again = await vi.waitFor(() => client.captureOrder(orderId, 'kept', TIMEOUT_MS));
    expect(captureOf(again)?.id).toBe(taken?.id);
    await client.refundCapture(taken?.id ?? '', 'refund-kept', TIMEOUT_MS);
    const later = await openOrder(client);
    await second.close();

    const third = await startSandbox({ dataFile });
    expect(third.ledger().orders.map(({ id }) => id)).toEqual([orderId, later]);
    expect(third.ledger().captures).toHaveLength(1);
    expect(third.ledger().refunds).toHaveLength(1);
    await third.close();
  });

  it('discards an incomplete line and continues with a new one', async () => {
    const dataFile = join(folder, 'unended.jsonl');
    appendFileSync(dataFile, '[["paypal.orders","WHOLE",{"id":"WHOLE"}]]');
    const first = await startSandbox({ dataFile });
    expect(first.ledger().orders).toEqual([]);
    const orderId = await openOrder(connect(first.url));
    await first.close();
    const second = await startSandbox({ dataFile });
    expect(second.ledger().orders.map(({ id }) => id)).toEqual([orderId]);
    await second.close();
  });
});
