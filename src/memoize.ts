/**
 * Caches what `make` returns, by its arguments. It serves formatters of `Intl`: creating one takes many times as long as
 * using it, and there are few combinations of locale, time zone and currency.
 */
export function memoize<Names extends string[], T>(make: (...names: Names) => T): (...names: Names) => T {
  const made = new Map<string, T>();
  return (...names) => {
    const key = names.join('\n');
    const found = made.get(key) ?? make(...names);
    made.set(key, found);
    return found;
  };
}
