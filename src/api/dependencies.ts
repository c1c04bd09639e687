/** What the api is built from, and what its routes get of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import type { PayPal } from '../paypal.ts';
import type { Limits } from './limits.ts';

export type Dependencies = {
  config: Config;
  database: Database;
  paypal: PayPal;
  temporal: Client;
  /** Another task queue, and another time to wait for a payment, than the product's: for tests. */
  taskQueue?: string | undefined;
  answerWithinMs?: number | undefined;
  /** Where the log goes instead of standard output: for tests. */
  logStream?: NodeJS.WritableStream | undefined;
};
/** What routes get: the dependencies, and the limits on tries to hold a seat or to pay. */
export type RouteDependencies = Dependencies & { limits: Limits };
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
