/**
 * The rules and the dashboard of deploy/observability. That their metrics are really served is tested in processes.test.ts. Prometheus'
 * own check needs promtool: PROMTOOL names it, and docs/operations.md says where it comes from.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alerts, fileOf, FOLDER, namesIn, namesUsed, panels, records } from './deployed.ts';

it('finds the metrics in an expression, and nothing else', () => {
  const expr =
    'histogram_quantile(0.99, sum by (le, route) (rate(a_seconds_bucket{route=~"b|c",x="d"}[5m:15s]))) > 1e3 and time() - max(e) > 5';
  expect(namesIn(expr)).toEqual(['a_seconds_bucket', 'e']);
  expect(namesUsed().length).toBeGreaterThan(15);
});

it('has an entry in docs/operations.md that says what to do for each alert, and for no other', () => {
  expect(alerts().length).toBe(fileOf('rules.yml').match(/- alert:/g)?.length);
  const operations = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const entries = [...operations.matchAll(/^\| `(Registration\w+)` \| (\S.{10,}) \|$/gm)];
  expect(entries.map(([, name]) => name)).toEqual(alerts().map(({ name }) => name));
});

it('has a test for each alert, which waits until it fires and looks before that', () => {
  const tests = fileOf('rules.test.yml')
    .split(/^ {2}- name: /m)
    .slice(1);
  expect(tests.map((test) => /^\w+/.exec(test)?.[0])).toEqual(alerts().map(({ name }) => name));
  for (const test of tests) {
    const name = /^\w+/.exec(test)?.[0] ?? '';
    expect(test.match(new RegExp(`alertname: ${name}\\b`, 'g'))).toHaveLength(2);
    expect(test.match(/exp_alerts: \[\]/g)).toHaveLength(1);
  }
});

it('has a dashboard whose panels have a place of their own, and something to show', () => {
  const all = panels();
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const panel of all) {
    const { x, y, w, h } = panel.gridPos;
    expect(x + w).toBeLessThanOrEqual(24);
    const isOver = (other: typeof panel) =>
      x < other.gridPos.x + other.gridPos.w &&
      other.gridPos.x < x + w &&
      y < other.gridPos.y + other.gridPos.h &&
      other.gridPos.y < y + h;
    expect(all.filter((other) => other !== panel && isOver(other)).map(({ title }) => title)).toEqual([]);
    if (panel.type !== 'row') expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
  }
});

it('records the metric by which Kubernetes scales the workers', () => {
  const worker = new URL('../../deploy/kubernetes/service/worker.yaml', import.meta.url);
  const scaled = [...readFileSync(worker, 'utf8').matchAll(/metric: \{ name: (\w+) \}/g)];
  expect(scaled.map(([, name]) => name)).toEqual(records().map(({ name }) => name));
});

const promtool = process.env.PROMTOOL;
describe.skipIf(!promtool)('promtool (needs PROMTOOL)', () => {
  const run = (...args: string[]) =>
    execFileSync(promtool ?? '', args, { cwd: FOLDER, encoding: 'utf8', stdio: 'pipe' });

  it('accepts the example and the rules', () => {
    expect(run('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });

  it('sees each alert fire when it should, and not before', () => {
    expect(run('test', 'rules', 'rules.test.yml')).toContain('SUCCESS');
  });

  it('understands every expression of the dashboard', () => {
    for (const { targets = [] } of panels())
      for (const { expr } of targets)
        expect(() => run('--experimental', 'promql', 'format', expr)).not.toThrow();
  });
});
