/** For `--import`: says at the end of a process which of OpenTelemetry's packages it has loaded. */
import { Module } from 'node:module';

process.on('exit', () => {
  const { _cache: cache } = Module as unknown as { _cache: Record<string, unknown> };
  const names = Object.keys(cache).map(
    (file) =>
      /node_modules\/(@opentelemetry\/[^/]+|@temporalio\/interceptors-opentelemetry)\//.exec(file)?.[1],
  );
  process.stderr.write(`loaded: ${[...new Set(names)].filter(Boolean).toSorted().join(' ')}.\n`);
});
