import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { onPath } from '../sandbox/servers/downloads.ts';
import { run, whileWaiting, type Report } from '../sandbox/servers/process.ts';

/** The headless shell comes first: the same engine at little more than half the browser's CPU time. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];

/**
 * Returns the path of a Chromium: `CHROMIUM_PATH`, an installed one, Playwright's own, or Debian's package.
 * @throws Error whose message lists the ways to install it
 */
export async function findChromium(report: Report): Promise<string> {
  const present = () =>
    [process.env.CHROMIUM_PATH, ...NAMES.map(onPath), chromium.executablePath()].find(
      (path) => path !== undefined && existsSync(path),
    );
  const found = present();
  if (found !== undefined) return found;
  const ways: [string, string[]][] = [
    [process.execPath, ['node_modules/playwright-core/cli.js', 'install', 'chromium']],
    ...(process.getuid?.() === 0 && onPath('apt-get') !== undefined
      ? ([
          [
            'sh',
            [
              '-c',
              'apt-get -o DPkg::Lock::Timeout=300 update && apt-get -o DPkg::Lock::Timeout=300 install -y chromium-headless-shell',
            ],
          ],
        ] as [string, string[]][])
      : []),
  ];
  for (const [command, args] of ways) {
    report(`Installing Chromium: ${args.slice(-2).join(' ')}`);
    const installing = run(command, args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    await whileWaiting(report, () => 'still installing Chromium', installing).catch(() =>
      report('  this installation method failed'),
    );
    const installed = present();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    'Chromium was not found. Install it (on Debian: apt-get install chromium-headless-shell) or set CHROMIUM_PATH.',
  );
}

/**
 * Launches a headless Chromium that sends no requests of its own.
 * @param textSize the browser's own setting of the text size, in pixels
 */
export async function launchChromium(report: Report, textSize = 16): Promise<Browser> {
  const quiet = [
    'disable-gpu',
    'disable-quic',
    'no-first-run',
    'disable-background-networking',
    'disable-component-update',
    'disable-sync',
    `blink-settings=defaultFontSize=${textSize}`,
  ];
  // Chromium's sandbox does not work for root.
  const flags = process.getuid?.() === 0 ? [...quiet, 'no-sandbox'] : quiet;
  return chromium.launch({
    executablePath: await findChromium(report),
    headless: true,
    args: flags.map((flag) => `--${flag}`),
  });
}
