/**
 * `npm run bench:page -- [visits]`: measures the form on a slow phone: when its largest part is painted (LCP), and how many
 * bytes the form, and the whole way to the status page, take from this service. PayPal's script is not counted.
 */
import type { Page } from 'playwright-core';
import { aForm } from '../stage/person.ts';
import { launchChromium } from '../stage/chromium.ts';
import { startWorld } from '../stage/world.ts';
import { speak } from '../src/messages/index.ts';
import { median } from './measure.ts';

const [visits = 9] = process.argv.slice(2).map(Number);
/** A mid-range phone on a slow mobile network: bits per second, and the round trip in milliseconds. */
const SLOW = { cpu: 4, bitsPerSecond: 1_600_000, latencyMs: 150 };
const { t } = speak('en');

const LCP = `new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({ type: 'largest-contentful-paint', buffered: true });
})`;

/** Registers for a free ticket, with an empty cache. */
async function visit(page: Page, url: string) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOW.cpu });
  const bytesPerSecond = SLOW.bitsPerSecond / 8;
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: SLOW.latencyMs,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  });
  let bytes = 0;
  const ours = new Set<string>();
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (new URL(response.url).origin === new URL(url).origin) ours.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (ours.has(requestId)) bytes += encodedDataLength;
  });

  await page.goto(url, { waitUntil: 'networkidle' });
  const form = { lcp: await page.evaluate<number>(LCP), bytes };
  await page.getByRole('radio', { name: 'Free' }).check();
  const { firstName, lastName, email } = aForm().attendee;
  for (const [name, value] of Object.entries({ firstName, lastName, email }))
    await page.locator(`[name="attendee/${name}"]`).fill(value);
  await page.locator('#submit').click();
  await page.getByRole('heading', { name: t('status.confirmed'), exact: true }).waitFor();
  await page.waitForTimeout(1000);
  return { ...form, way: bytes };
}

const world = await startWorld({ settings: { RATE_LIMIT: '0', LOG_LEVEL: 'warn' } });
const browser = await launchChromium((line) => void process.stdout.write(`${line}\n`));
try {
  const seen: Awaited<ReturnType<typeof visit>>[] = [];
  for (let i = 0; i < visits; i++) {
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 390, height: 844 } });
    seen.push(await visit(await context.newPage(), world.url));
    await context.close();
  }
  const lcp = seen.map((one) => one.lcp);
  console.log(
    `LCP of ${visits} visits: median ${Math.round(median(lcp))} ms, slowest ${Math.round(Math.max(...lcp))} ms`,
  );
  console.log(
    `form ${Math.max(...seen.map((one) => one.bytes))} bytes, whole way ${Math.max(...seen.map((one) => one.way))} bytes`,
  );
} finally {
  await browser.close();
  await world.stop(false);
}
