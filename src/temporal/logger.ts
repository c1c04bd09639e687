/** The logs of Temporal's SDK in the format of all others. */
import {
  makeTelemetryFilterString,
  type Logger as SdkLogger,
  type LogLevel,
  type RuntimeOptions,
  type TelemetryOptions,
} from '@temporalio/worker';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { traceOf } from '../trace.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * The SDK's logger over ours. Each failed attempt of an activity is one line of the SDK's, `Activity failed`, with the ids of
 * workflow and activity and the attempt. What is said of its error is what failure.ts made of it, never an error as thrown.
 */
export function sdkLogger(logger: Logger): SdkLogger {
  const log: SdkLogger['log'] = (level, message, meta = {}) => {
    const { error, ...rest } = meta as { error?: unknown };
    logger[LEVELS[level]]({ ...rest, ...(error === undefined ? {} : { error: describe(error) }) }, message);
  };
  const at =
    (level: LogLevel): SdkLogger['info'] =>
    (message, meta) => {
      log(level, message, meta);
    };
  return {
    log,
    trace: at('TRACE'),
    debug: at('DEBUG'),
    info: at('INFO'),
    warn: at('WARN'),
    error: at('ERROR'),
  };
}

/** A failure's message was made here and holds nothing personal; of any other error only the place is told. */
function describe(error: unknown): object {
  const { type, message } = Object(error) as { type?: unknown; message?: unknown };
  const { name, code, frames } = traceOf(error);
  return name === 'ApplicationFailure'
    ? { type, message, ...(type === 'Unexpected' && { frames }) }
    : { type: name, code, frames };
}

/** Options of the SDK's runtime: its native part logs warnings through the same logger. */
export const runtimeOptions = (
  logger: Logger,
  { logLevel }: Pick<Config, 'logLevel'>,
  metrics?: TelemetryOptions['metrics'],
): RuntimeOptions => ({
  logger: sdkLogger(logger),
  telemetryOptions: {
    ...(metrics && { metrics }),
    logging: {
      forward: {},
      filter: makeTelemetryFilterString({ core: logLevel === 'silent' ? 'ERROR' : 'WARN', other: 'ERROR' }),
    },
  },
});
