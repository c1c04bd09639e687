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

  it('remembers all over a restart, half a last line and all, and no card', async () => {
    const dataFile = join(folder, 'deep', 'sandbox.jsonl');
    const first = await startSandbox({ dataFile });
    const client = connect(first.url);
    const orderId = await openOrder(client);
    first.approve(orderId, { number: '5555 5555 5555 4444', expiry: '11/39', cvv: '987' });
    const taken = captureOf(await client.captureOrder(orderId, 'kept', TIMEOUT_MS));
    await client.refundCapture(taken?.id ?? '', 'refund-kept', TIMEOUT_MS);
    const remembered = first.ledger();
    await first.close();

    const written = readFileSync(dataFile, 'utf8');
    expect(written).not.toMatch(/5555[ -]?5555[ -]?5555|"987"/);
    expect(written).toContain('4444');
    appendFileSync(dataFile, '[["paypal.orders","HALF",{"descriptio');

    // On the same port: the client goes on with a token that this sandbox has never heard of.
    const second = await startSandbox({ dataFile, port: Number(new URL(first.url).port) });
    expect(second.ledger()).toEqual(remembered);
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

  it('loses a line that was written without its end, and goes on with a line of its own', async () => {
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
