/** A collector of OpenTelemetry's: takes spans over HTTP (OTLP, protobuf) and keeps them. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import protobuf from 'protobufjs';

/** What is read of opentelemetry/proto/trace/v1/trace.proto. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; Status status = 15;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`);
const Request = root.lookupType('Request');

type KeyValue = { key: string; value?: Record<string, unknown> };
type Raw = {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: { spans?: (Record<'traceId' | 'spanId' | 'parentSpanId', Uint8Array> & RawSpan)[] }[];
  }[];
};
type RawSpan = { name: string; attributes?: KeyValue[]; status?: { code?: number; message?: string } };

/** `status`: 0 unset, 1 ok, 2 error. `parent` is empty for the first span of a trace. */
export type Span = {
  trace: string;
  id: string;
  parent: string;
  name: string;
  service: string;
  status: number;
  attributes: Record<string, unknown>;
};

export type Collector = Awaited<ReturnType<typeof startCollector>>;

/** @param port a free one by default */
export async function startCollector(port = 0) {
  const spans: Span[] = [];
  const bodies: Buffer[] = [];
  let mode: 'up' | 'hanging' = 'up';
  let asked = 0;
  const server = createServer((request, response) => {
    bodyOf(request)
      .then((body) => {
        asked++;
        if (mode === 'hanging') return;
        bodies.push(body);
        spans.push(...spansIn(body));
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const at = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    spans,
    /** Everything that came, as text. */
    text: () => Buffer.concat(bodies).toString('latin1'),
    /** How many requests have come. */
    asked: () => asked,
    /** Takes requests from now on and never answers them. */
    hang() {
      mode = 'hanging';
    },
    /** Waits until a span has come that is wanted. */
    async until(isWanted: (span: Span) => boolean): Promise<Span> {
      for (;;) {
        const found = spans.find(isWanted);
        if (found) return found;
        await sleep(50);
      }
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');
const attributesIn = (pairs: KeyValue[] = []) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));

function spansIn(body: Buffer): Span[] {
  const raw = Request.toObject(Request.decode(body), { longs: Number }) as Raw;
  return (raw.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) => {
    const service = String(attributesIn(resource?.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans = [] }) =>
      spans.map(({ name, attributes, status, ...ids }) => ({
        trace: hex(ids.traceId),
        id: hex(ids.spanId),
        parent: hex(ids.parentSpanId),
        ...{ name, service },
        status: status?.code ?? 0,
        attributes: attributesIn(attributes),
      })),
    );
  });
}
