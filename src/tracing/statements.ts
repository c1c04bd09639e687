import { SpanKind, SpanStatusCode, trace, type Span, type Tracer } from '@opentelemetry/api';
import type { Database } from '../database/connection.ts';
import { wordFor } from '../trace.ts';

/** What knex tells about a statement, in the context of whoever asked for it. */
type Statement = { __knexQueryUid: string | undefined; sql: string };

/** Writes a span for each statement of a trace, such as `PostgreSQL select`. The statement itself stays out of it. */
export const traceStatements =
  (tracer: Tracer) =>
  (database: Database): void => {
    const open = new Map<string, Span>();
    const end = ({ __knexQueryUid: id }: Statement, error?: unknown) => {
      if (id === undefined) return;
      const span = open.get(id);
      open.delete(id);
      if (error !== undefined) {
        span?.setStatus({ code: SpanStatusCode.ERROR });
        span?.setAttribute('error.type', wordFor(error));
      }
      span?.end();
    };
    database.on('query', ({ __knexQueryUid: id, sql }: Statement) => {
      // The statements that begin and end a transaction have no id, and knex does not say when they are done.
      if (id === undefined || !trace.getActiveSpan()?.isRecording()) return;
      const operation = /^\s*([a-z]+)/i.exec(sql)?.[1]?.toLowerCase() ?? 'statement';
      const attributes = { 'db.system': 'postgresql', 'db.operation.name': operation };
      open.set(id, tracer.startSpan(`PostgreSQL ${operation}`, { kind: SpanKind.CLIENT, attributes }));
    });
    database.on('query-response', (_rows: unknown, statement: Statement) => {
      end(statement);
    });
    database.on('query-error', (error: unknown, statement: Statement) => {
      end(statement, error);
    });
  };
