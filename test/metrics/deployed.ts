/** What the files of deploy/observability name: alerts and metrics. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const FOLDER = fileURLToPath(new URL('../../deploy/observability/', import.meta.url));
export const fileOf = (name: string): string => readFileSync(FOLDER + name, 'utf8');

export type Panel = {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
};
export const panels = (): Panel[] => (JSON.parse(fileOf('dashboard.json')) as { panels: Panel[] }).panels;

/** Each alert with its expression, which is one line of the file. */
export const alerts = (): { name: string; expr: string }[] =>
  [...fileOf('rules.yml').matchAll(/^ +- alert: (\w+)\n +expr: (.+)$/gm)].map(([, name = '', expr = '']) => ({
    name,
    expr,
  }));

/** What the rules record, with its expression. */
export const records = (): { name: string; expr: string }[] =>
  [...fileOf('rules.yml').matchAll(/^ +- record: (\w+)\n +expr: (.+)$/gm)].map(
    ([, name = '', expr = '']) => ({
      name,
      expr,
    }),
  );

/** Words of PromQL that are no metrics and stand without a parenthesis. */
const WORDS = ['and', 'or', 'unless', 'bool', 'offset', 'by', 'without'];
/** Prometheus makes this one itself. */
const OF_PROMETHEUS = ['up'];

/** The names of time series in an expression: what is left without labels, texts, ranges, groups and functions. */
export function namesIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/\{[^}]*\}|"[^"]*"|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/(?<![\w.])[a-z_:][\w:]*\b(?!\s*\()/gi)]
    .map(([name]) => name)
    .filter((name) => !WORDS.includes(name) && !OF_PROMETHEUS.includes(name));
}

/** The names of all time series that the rules and the dashboard use. */
export function namesUsed(): string[] {
  const shown = panels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return [
    ...new Set([...[...alerts(), ...records()].map(({ expr }) => expr), ...shown].flatMap(namesIn)),
  ].toSorted();
}
