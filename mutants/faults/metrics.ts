import type { Fault } from '../fault.ts';

const queries = 'src/database/metrics.ts';
const business = 'src/metrics/business.ts';
const server = 'src/metrics/server.ts';
const config = 'src/config.ts';
const numbers = 'test/metrics/business.test.ts';
const port = 'test/metrics/server.test.ts';

/** What Prometheus reads. */
export const METRICS: Fault[] = [
  {
    name: 'metrics: a refund that PayPal refused counts as money that went back',
    file: queries,
    find: "from refunds where state = 'done' group by currency",
    replace: 'from refunds group by currency',
    caughtBy: { [numbers]: 'add up what PayPal captured' },
  },
  {
    name: 'metrics: holds that have lapsed count',
    file: queries,
    find: 'from live_holds h where h.event_id = t.event_id',
    replace: 'from seat_holds h where h.event_id = t.event_id',
    caughtBy: { [numbers]: 'none whose hold has lapsed' },
  },
  {
    name: 'metrics: a free ticket that is claimed is a payment in doubt',
    file: queries,
    find: 'from seat_holds h where ${PAYMENT}`',
    replace: 'from seat_holds h where h.claimed_for is not null`',
    caughtBy: { [numbers]: 'a free ticket is no payment' },
  },
  {
    name: 'metrics: every ticket type has time series',
    file: queries,
    find: ' limit ${MOST_TICKET_TYPES}',
    replace: '',
    caughtBy: { [numbers]: 'a bounded number of time series' },
  },
  {
    name: 'metrics: zeros stand for what could not be read',
    file: business,
    find: 'if (!samples || (labels.length',
    replace: 'if ((labels.length',
    caughtBy: { [numbers]: 'are missing while the database is away' },
  },
  {
    name: 'metrics: each scrape asks the database',
    file: business,
    find: 'if (asked) return asked;',
    replace: '',
    caughtBy: { [numbers]: 'by one statement at a time' },
  },
  {
    name: 'metrics: a scrape waits for a slow database',
    file: business,
    find: 'Promise.race([ask(), tooSlow()])',
    replace: 'ask()',
    caughtBy: { [numbers]: 'while the database is slow' },
  },
  {
    name: 'metrics: a source that fails is said at every scrape',
    file: server,
    find: "if (!isFailing) logger.warn({ reason: wordFor(error) }, 'some metrics",
    replace: "logger.warn({ reason: wordFor(error) }, 'some metrics",
    caughtBy: { [port]: 'says so once until it is back' },
  },
  {
    name: 'metrics: the port stays open while somebody reads',
    file: server,
    find: 'server.closeAllConnections();',
    replace: '',
    caughtBy: { [port]: 'closes its port when it is stopped' },
  },
  {
    name: 'metrics: the port of the api is taken for them',
    file: config,
    find: "if (port === apiPort) read.fault('METRICS_PORT must differ from PORT');",
    replace: '',
    caughtBy: { 'test/config.test.ts': 'which is not that of the api' },
  },
];
