import { expect, it } from 'vitest';
import { ConfigError, encryptionWarning, loadConfig, loadDatabaseUrl } from '../src/config.ts';

const complete = {
  DATABASE_URL: 'postgres://user:secret@127.0.0.1/registration',
  PAYPAL_CLIENT_ID: 'id',
  PAYPAL_CLIENT_SECRET: 'secret',
  SENDGRID_API_KEY: 'SG.key',
  EMAIL_FROM: 'Conference <registration@example.org>',
  MAILCHIMP_API_KEY: 'key-us1',
  MAILCHIMP_LIST_ID: 'list',
};
const faults = (env: Record<string, string>) => {
  try {
    loadConfig(env);
    return 'none';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
};

it('loads with the required settings alone, and has a default for every other one', () => {
  expect(loadConfig(complete)).toMatchObject({
    host: '127.0.0.1',
    port: 3000,
    publicUrl: 'http://localhost:3000',
    rateLimit: 60,
    trustProxy: false,
    paypal: { baseUrl: undefined, webUrl: 'https://www.paypal.com' },
    sendgrid: { from: { email: 'registration@example.org', name: 'Conference' } },
    mailchimp: { statusIfNew: undefined },
  });
});

it('reports every invalid setting at once, without the values', () => {
  const message = faults({
    ...complete,
    PORT: 'x1',
    DATABASE_URL: 'mysql://secret',
    EMAIL_FROM: 'nobody',
    SENDGRID_API_KEY: ' ',
    LOG_LEVEL: 'loud',
    MAILCHIMP_API_KEY: 'abc',
  });
  for (const name of [
    'PORT',
    'DATABASE_URL',
    'EMAIL_FROM',
    'SENDGRID_API_KEY',
    'LOG_LEVEL',
    'MAILCHIMP_API_KEY',
  ])
    expect(message).toContain(name);
  expect(message).not.toMatch(/secret|nobody|loud|abc|x1/);
  expect(message.split('\n')).toHaveLength(7);
});

it.each([
  ['false', false],
  ['10.0.0.0/8,127.0.0.1', '10.0.0.0/8,127.0.0.1'],
])('reads TRUST_PROXY=%s', (value, expected) => {
  expect(loadConfig({ ...complete, TRUST_PROXY: value }).trustProxy).toBe(expected);
});

it('reads a number of proxies as TRUST_PROXY', () => {
  const { trustProxy } = loadConfig({ ...complete, TRUST_PROXY: '2' });
  expect(trustProxy).toBeTypeOf('function');
});

it('serves no metrics unless they have a port, which is not that of the api', () => {
  const metrics = (settings: object) => loadConfig({ ...complete, ...settings }).metrics;
  expect(metrics({})).toBeUndefined();
  expect(metrics({ METRICS_HOST: '0.0.0.0' })).toBeUndefined();
  expect(metrics({ METRICS_PORT: '9464' })).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(metrics({ METRICS_PORT: '9464', METRICS_HOST: '::1' })).toEqual({ host: '::1', port: 9464 });
  for (const METRICS_PORT of ['0', '65536', 'x', '9464.5'])
    expect(faults({ ...complete, METRICS_PORT })).toContain('METRICS_PORT');
  expect(
    faults({ ...complete, METRICS_PORT: '3000', LOG_LEVEL: 'loud' })
      .split('\n')
      .slice(1),
  ).toEqual([
    '  - LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
    '  - METRICS_PORT must differ from PORT',
  ]);
});

it('writes no traces unless OpenTelemetry has somewhere to send them', () => {
  const tracing = (settings: object) => loadConfig({ ...complete, ...settings }).tracing;
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318/';
  expect(tracing({})).toBeUndefined();
  expect(tracing({ OTEL_SERVICE_NAME: 'conference', OTEL_TRACES_SAMPLER_ARG: '0.1' })).toBeUndefined();
  expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
  expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  expect(tracing({ OTEL_TRACES_EXPORTER: 'otlp' })).toMatchObject({
    url: 'http://localhost:4318/v1/traces',
    sampler: 'parentbased_always_on',
  });
  expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT })).toMatchObject({ url: 'http://collector:4318/v1/traces' });
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example.org/in',
    OTEL_EXPORTER_OTLP_HEADERS: 'x=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=Bearer%20key, tenant = 7',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=trial',
  };
  expect(tracing(settings)).toMatchObject({
    url: 'https://traces.example.org/in',
    headers: { authorization: 'Bearer key', tenant: '7' },
    sampler: 'parentbased_traceidratio',
    ratio: 0.1,
    attributes: { 'deployment.environment': 'trial' },
  });
});

it.each([
  ['OTEL_TRACES_EXPORTER', 'jaeger'],
  ['OTEL_SDK_DISABLED', 'no'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'nowhere'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'Bearer key'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=%'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zip'],
  ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ['OTEL_TRACES_SAMPLER_ARG', '10%'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ['OTEL_BSP_SCHEDULE_DELAY', '0'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'trial'],
])('refuses %s=%s, without the value', (name, value) => {
  const message = faults({ ...complete, [name]: value, LOG_LEVEL: 'loud' });
  expect(message.split('\n')).toHaveLength(3);
  expect(message).toContain(`  - ${name} must`);
  expect(message.replace(/must .*/g, '')).not.toContain(value);
});

it('requires only DATABASE_URL where only the database is needed', () => {
  expect(loadDatabaseUrl({ DATABASE_URL: complete.DATABASE_URL })).toBe(complete.DATABASE_URL);
  expect(() => loadDatabaseUrl({})).toThrow('DATABASE_URL is missing');
});

it('warns while payloads count that somebody without the key may have written', () => {
  const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');
  const warning = (settings: object) => encryptionWarning(loadConfig({ ...complete, ...settings }));
  expect(warning({})).toMatch(/^ENCRYPTION_KEY is not set/);
  expect(warning({ ENCRYPTION_KEY })).toBeUndefined();
  expect(warning({ ENCRYPTION_KEY, ENCRYPTION_ACCEPT_PLAIN: 'true' })).toMatch(
    /^ENCRYPTION_ACCEPT_PLAIN is on/,
  );
  expect(faults({ ...complete, ENCRYPTION_ACCEPT_PLAIN: 'yes' })).toContain(
    'ENCRYPTION_ACCEPT_PLAIN must be one of',
  );
});

it('reads encryption keys with and without names, and reports invalid ones without revealing them', () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const other = Buffer.alloc(32, 8).toString('base64');
  const ids = (setting: string) =>
    loadConfig({ ...complete, ENCRYPTION_KEY: setting }).encryptionKeys.map(({ id }) => id);
  expect(ids('')).toEqual([]);
  expect(ids(`2027:${other}, ${key}`)).toEqual(['2027', expect.stringMatching(/^[0-9a-f]{8}$/)]);
  for (const wrong of ['secret', key.slice(4), `${key},`, `a:${key},a:${other}`, `${key},${key}`]) {
    const message = faults({ ...complete, ENCRYPTION_KEY: wrong });
    expect(message).toContain('ENCRYPTION_KEY');
    expect(message).not.toContain(key.slice(8, 16));
  }
});
