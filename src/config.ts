/** The only reader of the environment. Faulty settings stop a process at its start, with every fault listed. */
import { createPublicKey } from 'node:crypto';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { readKeys, type EncryptionKey } from './encryption-keys.ts';
import { readTracing } from './tracing/settings.ts';

/** Thrown when settings are missing or wrong. Its message lists all of them, one per line, without their values. */
export class ConfigError extends Error {
  constructor(faults: string[]) {
    super(['These settings are missing or wrong:', ...faults.map((fault) => `  - ${fault}`)].join('\n'));
    this.name = 'ConfigError';
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type Config = ReturnType<typeof loadConfig>;

/** All settings of api and worker. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env) {
  const read = reader(env);
  const host = read.text('HOST', '127.0.0.1');
  const { port, publicUrl } = readAddress(read);
  const config = {
    host,
    port,
    /** The public origin of the service, without a trailing slash. */
    publicUrl,
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    trustProxy: read.trustProxy('TRUST_PROXY'),
    /** How long an api that is told to stop goes on, so that clients leave the connections that they keep open. */
    shutdownDelayMs: 1000 * read.integer('SHUTDOWN_DELAY_SECONDS', 0, 0, 300),
    metrics: readMetrics(read, port),
    /** Undefined: no traces. */
    tracing: readTracing(read),
    /** Checkouts and registrations per minute and address, 0 for no limit. */
    rateLimit: read.integer('RATE_LIMIT', 60, 0, 1_000_000),
    limits: readLimits(read),
    /** Mails, and newsletter entries, per second for all workers together; 0 for no limit, undefined to leave it unchanged. */
    vendorRateLimit: read.optionalInteger('VENDOR_RATE_LIMIT', 0, 1000),
    privacyUrl: read.optionalUrl('PRIVACY_URL'),
    termsUrl: read.optionalUrl('TERMS_URL'),
    refundPolicyUrl: read.optionalUrl('REFUND_POLICY_URL'),
    /** Where attendees write to. */
    contactEmail: read.optionalEmail('CONTACT_EMAIL'),
    databaseUrl: read.databaseUrl('DATABASE_URL'),
    temporal: read.temporal(),
    /** The first key encrypts what Temporal stores; all of them decrypt. Without a key nothing is encrypted. */
    encryptionKeys: read.keys('ENCRYPTION_KEY'),
    /** Whether payloads that are not encrypted count, as long as runs are open from before there was a key. */
    encryptionAcceptPlain:
      read.oneOf('ENCRYPTION_ACCEPT_PLAIN', ['true', 'false'] as const, 'false') === 'true',
    /** Lets organizers read encrypted data in Temporal's Web UI at `temporalUiUrl`. */
    organizerPassword: read.text('ORGANIZER_PASSWORD', ''),
    temporalUiUrl: read.optionalUrl('TEMPORAL_UI_URL'),
    paypal: {
      baseUrl: read.optionalUrl('PAYPAL_BASE_URL'),
      webUrl: read.url('PAYPAL_WEB_URL', 'https://www.paypal.com'),
      clientId: read.required('PAYPAL_CLIENT_ID'),
      clientSecret: read.required('PAYPAL_CLIENT_SECRET'),
    },
    sendgrid: {
      baseUrl: read.optionalUrl('SENDGRID_BASE_URL'),
      apiKey: read.required('SENDGRID_API_KEY'),
      from: read.sender('EMAIL_FROM'),
    },
    /** What shows that an event is the vendor's. Without it, the vendor cannot tell us anything by itself. */
    webhooks: {
      /** PayPal's id of our webhook. */
      paypalId: read.optionalWord('PAYPAL_WEBHOOK_ID'),
      /** SendGrid's verification key. */
      sendgridKey: read.publicKey('SENDGRID_WEBHOOK_PUBLIC_KEY'),
    },
    mailchimp: {
      baseUrl: read.optionalUrl('MAILCHIMP_BASE_URL'),
      apiKey: read.required('MAILCHIMP_API_KEY'),
      listId: read.required('MAILCHIMP_LIST_ID'),
      /** Undefined: `subscribed` for somebody who paid or confirmed the address, else `pending`. */
      statusIfNew: read.optionalOneOf('MAILCHIMP_STATUS_IF_NEW', ['subscribed', 'pending'] as const),
    },
  };
  if (!config.mailchimp.baseUrl && config.mailchimp.apiKey && !/-[a-z]+\d+$/.test(config.mailchimp.apiKey))
    read.fault('MAILCHIMP_API_KEY must end in the name of its data center, such as -us21');
  read.finish();
  return config;
}

/** The port, and the public origin that follows from it where none is given. */
function readAddress(read: ReturnType<typeof reader>) {
  const port = read.integer('PORT', 3000, 0, 65_535);
  return { port, publicUrl: read.url('PUBLIC_URL', `http://localhost:${port}`) };
}

/** Where a process serves its metrics; undefined: nowhere. They have no password, so that they have a port of their own. */
function readMetrics(read: ReturnType<typeof reader>, apiPort: number) {
  const port = read.optionalInteger('METRICS_PORT', 1, 65_535);
  if (port === apiPort) read.fault('METRICS_PORT must differ from PORT');
  return port === undefined ? undefined : { host: read.text('METRICS_HOST', '127.0.0.1'), port };
}

/** How much one address, and one person at it, may take of what is scarce; undefined: without a limit. */
function readLimits(read: ReturnType<typeof reader>) {
  const limit = (name: string, fallback: number) => {
    const most = read.integer(name, fallback, 0, 1_000_000);
    return most === 0 || read.isZero('RATE_LIMIT') ? undefined : most;
  };
  return {
    /** Live holds at a time. */
    holdsPerAddress: limit('HOLDS_PER_ADDRESS', 30),
    holdsPerEmail: limit('HOLDS_PER_EMAIL', 10),
    /** Free tickets within a day. */
    freePerAddress: limit('FREE_PER_ADDRESS', 40),
    freePerEmail: limit('FREE_PER_EMAIL', 10),
    /** Mails within a day that nobody paid for. */
    mailsPerRecipient: limit('MAILS_PER_RECIPIENT', 20),
  };
}

/** The warning for a service that believes what somebody without a key writes to Temporal. */
export function encryptionWarning({
  encryptionKeys,
  encryptionAcceptPlain,
}: Pick<Config, 'encryptionKeys' | 'encryptionAcceptPlain'>): string | undefined {
  if (encryptionKeys.length === 0)
    return 'ENCRYPTION_KEY is not set: whoever can reach Temporal can read names and addresses, and forge payments';
  return encryptionAcceptPlain
    ? 'ENCRYPTION_ACCEPT_PLAIN is on: whoever can reach Temporal can forge payments; turn it off once no run is open from before the key'
    : undefined;
}

/** The one setting that migrations and the example event need. */
export function loadDatabaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const read = reader(env);
  const url = read.databaseUrl('DATABASE_URL');
  read.finish();
  return url;
}

/** The settings of `npm run organizer`. */
export function loadSettingsOfOrganizers(env: NodeJS.ProcessEnv = process.env) {
  const read = reader(env);
  const { publicUrl } = readAddress(read);
  const settings = { databaseUrl: read.databaseUrl('DATABASE_URL'), publicUrl };
  read.finish();
  return settings;
}

/** The settings of `npm run find`. The development server's Web UI is the default. */
export function loadSettingsToFind(env: NodeJS.ProcessEnv = process.env) {
  const read = reader(env);
  const settings = {
    databaseUrl: read.databaseUrl('DATABASE_URL'),
    temporal: read.temporal(),
    temporalUiUrl: read.url('TEMPORAL_UI_URL', 'http://localhost:8233'),
  };
  read.finish();
  return settings;
}

function isPublicKey(text: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

const definedOnly = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

export type Reader = ReturnType<typeof reader>;

/** Reads one setting after the other and collects their faults. An empty value counts as not given. */
function reader(env: NodeJS.ProcessEnv) {
  const faults: string[] = [];
  const fault = (message: string): void => void faults.push(message);
  const given = (name: string) => env[name]?.trim() ?? '';
  const checkUrl = (name: string, value: string, protocols: string[]) => {
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      fault(`${name} must be an address (${protocols.join(' or ')})`);
  };
  const webUrl = (name: string, value: string) => {
    checkUrl(name, value, ['http:', 'https:']);
    return value.replace(/\/+$/, '');
  };

  const read = {
    fault,
    isZero: (name: string) => Number(given(name) || NaN) === 0,
    text: (name: string, fallback: string) => given(name) || fallback,
    required(name: string): string {
      if (!given(name)) fault(`${name} is missing`);
      return given(name);
    },
    integer(name: string, fallback: number, min: number, max: number): number {
      const value = given(name) ? Number(given(name)) : fallback;
      if (Number.isInteger(value) && value >= min && value <= max) return value;
      fault(`${name} must be a whole number from ${min} to ${max}`);
      return fallback;
    },
    ratio(name: string, fallback: number): number {
      const value = given(name) ? Number(given(name)) : fallback;
      if (value >= 0 && value <= 1) return value;
      fault(`${name} must be a number from 0 to 1`);
      return fallback;
    },
    /** `name=value`, separated by commas; the values may be percent-encoded. */
    pairs(name: string): Record<string, string> {
      const pairs = given(name) ? given(name).split(',') : [];
      try {
        return Object.fromEntries(
          pairs.map((pair) => {
            const [, key = '', value = ''] = /^\s*([\w.-]+)\s*=(.*)$/.exec(pair) ?? [];
            const text = decodeURIComponent(value.trim());
            if (!key || /\p{Cc}/u.test(text)) throw new URIError('Not a pair');
            return [key, text];
          }),
        );
      } catch {
        fault(`${name} must be pairs such as name=value, separated by commas`);
        return {};
      }
    },
    optionalInteger: (name: string, min: number, max: number) =>
      given(name) ? read.integer(name, min, min, max) : undefined,
    oneOf<T extends string>(name: string, choices: readonly T[], fallback: T): T {
      const value = given(name) || fallback;
      const choice = choices.find((candidate) => candidate === value);
      if (!choice) fault(`${name} must be one of ${choices.join(', ')}`);
      return choice ?? fallback;
    },
    optionalOneOf: <T extends string>(name: string, choices: readonly [T, ...T[]]) =>
      given(name) ? read.oneOf(name, choices, choices[0]) : undefined,
    url: (name: string, fallback: string) => webUrl(name, given(name) || fallback),
    optionalUrl: (name: string) => (given(name) ? webUrl(name, given(name)) : undefined),
    databaseUrl(name: string): string {
      const value = read.required(name);
      if (value) checkUrl(name, value, ['postgres:', 'postgresql:']);
      return value;
    },
    keys(name: string): EncryptionKey[] {
      if (!given(name)) return [];
      const found = readKeys(given(name));
      if (found.status === 'read') return found.keys;
      fault(`${name} ${found.fault}`);
      return [];
    },
    /**
     * `false`, a number of proxies, or a comma-separated list of their addresses, as Fastify's trustProxy takes it. To trust
     * everybody would let a client choose its own address behind a proxy that appends to X-Forwarded-For.
     */
    trustProxy(name: string): false | string | ((address: string, hop: number) => boolean) {
      const value = given(name);
      if (!value || value === 'false') return false;
      if (/^\d+$/.test(value)) return (_address, hop) => hop < Number(value);
      if (value === 'true' || /\/0+(,|$)/.test(value.replaceAll(' ', '')))
        fault(
          `${name} must not trust every address: give the number of proxies, such as 1, or their addresses`,
        );
      else if (!/^[\da-fA-F.:/, a-z]+$/.test(value))
        fault(`${name} must be false, a number of proxies or their addresses`);
      return value;
    },
    /** Letters and digits, as in the ids that a vendor gives. */
    optionalWord(name: string): string | undefined {
      if (given(name) && !/^[A-Za-z0-9]{1,50}$/.test(given(name)))
        fault(`${name} must consist of letters and digits`);
      return given(name) || undefined;
    },
    /** The public key of an elliptic curve (P-256), as SendGrid shows it: base64 of DER. */
    publicKey(name: string): string | undefined {
      if (given(name) && !isPublicKey(given(name)))
        fault(`${name} must be the verification key that SendGrid shows`);
      return given(name) || undefined;
    },
    optionalEmail(name: string): string | undefined {
      if (given(name) && !/^[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+$/.test(given(name)))
        fault(`${name} must be an e-mail address`);
      return given(name) || undefined;
    },
    /** `Name <address>` or an address alone. */
    sender(name: string): { email: string; name?: string } {
      const value = read.required(name);
      const [, label, address] =
        /^(?:"?([^"<>]*?)"?\s*<)?([^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>?$/.exec(value) ?? [];
      if (value && !address) fault(`${name} must be an e-mail address, or Name <address>`);
      return { email: address ?? '', ...(label ? { name: label } : {}) };
    },
    /** Address, namespace, TLS and API key from TEMPORAL_* and Temporal's own configuration file. */
    temporal(): ClientConnectConfig {
      try {
        return loadClientConnectConfig({ overrideEnvVars: definedOnly(env) });
      } catch (error) {
        fault(`TEMPORAL_*: ${error instanceof Error ? error.message : 'cannot be read'}`);
        return { connectionOptions: {} };
      }
    },
    finish(): void {
      if (faults.length) throw new ConfigError(faults);
    },
  };
  return read;
}

/** For entry points: returns the settings, or lists their faults and ends the process. */
export function orExit<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
