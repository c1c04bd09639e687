/** The settings that `npm start` supplies where none are configured. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsFor } from './vendors/server.ts';

const VENDORS = ['PAYPAL', 'SENDGRID', 'MAILCHIMP'];
const CONNECTION_SETTING = /_(BASE_URL|API_KEY|CLIENT_ID|CLIENT_SECRET)$/;

/**
 * Settings that point the product to the sandbox, except for vendors with a configured address or key.
 * @returns undefined if all vendors are configured
 */
export function standInsFor(
  sandboxUrl: string,
  given: NodeJS.ProcessEnv,
): Record<string, string> | undefined {
  const isGiven = (vendor: string) =>
    Object.entries(given).some(
      ([name, value]) => value && name.startsWith(`${vendor}_`) && CONNECTION_SETTING.test(name),
    );
  const missing = VENDORS.filter((vendor) => !isGiven(vendor));
  if (missing.length === 0) return undefined;
  return Object.fromEntries(
    Object.entries(settingsFor(sandboxUrl)).filter(([name]) =>
      missing.some((vendor) => name.startsWith(`${vendor}_`)),
    ),
  );
}

/** Keys that the first start generates and later starts reuse, for example to decrypt stored data. */
export function generatedKeys(dataFolder: string): Record<string, string> {
  const file = join(dataFolder, 'keys.json');
  if (!existsSync(file)) {
    const keys = {
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ORGANIZER_PASSWORD: randomBytes(12).toString('base64url'),
    };
    writeFileSync(file, JSON.stringify(keys, null, 2), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
}
