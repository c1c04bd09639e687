/** Reads Prometheus' text format, as far as the tests need it. */

/** The values of a metric by their labels as they are written: `{ 'state="done"': 1 }`; without labels, the key is empty. */
export function valuesOf(text: string, metric: string): Record<string, number> {
  const lines = text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm);
  return Object.fromEntries(
    [...lines]
      .filter(([, name]) => name === metric)
      .map(([, , labels = '', value]) => [labels, Number(value)]),
  );
}

/** One value of a metric; undefined where there is none. */
export const valueOf = (text: string, metric: string, labels = ''): number | undefined =>
  valuesOf(text, metric)[labels];

/** The names of all time series. */
export const namesOf = (text: string): Set<string> =>
  new Set([...text.matchAll(/^([a-z_:][\w:]*)(?:\{| )/gim)].map(([, name = '']) => name));
