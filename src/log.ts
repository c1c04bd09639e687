/** One format for the logs of every process: JSON lines by pino. */
import { pino, type Logger, type LoggerOptions } from 'pino';
import type { Config } from './config.ts';

export type { Logger };

/** Options of a logger: one line per entry, with the time as ISO 8601, the level as a word, and the name of the process. */
export const logOptions = (process: 'api' | 'worker', { logLevel }: Pick<Config, 'logLevel'>) =>
  ({
    name: process,
    level: logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }) satisfies LoggerOptions;

/** A logger for a process that has none from its framework. */
export const createLogger = (...options: Parameters<typeof logOptions>): Logger =>
  pino(logOptions(...options));
