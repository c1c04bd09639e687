/** What the api is built from. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import type { Tracing } from '../tracing/index.ts';
import type { PayPal } from '../vendors/paypal/client.ts';

export type Dependencies = {
  config: Config;
  database: Database;
  paypal: PayPal;
  temporal: Client;
  /** Where answers are measured; undefined: nowhere. */
  metrics?: Registry | undefined;
  /** Writes spans of requests; undefined: there are none. */
  tracing?: Pick<Tracing, 'traceRequests'> | undefined;
  /** For tests: another task queue, and another time to wait for a payment, than the product's. */
  taskQueue?: string | undefined;
  answerWithinMs?: number | undefined;
  /** For tests, where the api shares its process with much else: the delay of the event loop from which on requests are refused. */
  maxEventLoopDelayMs?: number | undefined;
  /** For tests: where the log goes instead of standard output. */
  logStream?: NodeJS.WritableStream | undefined;
};
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
