/**
 * Makes a thing for each combination of names once. For what `Intl` makes: making it takes many times as long as using it,
 * and there are as few as there are locales, time zones, currencies and events in use.
 */
export function remembered<Names extends string[], T>(make: (...names: Names) => T): (...names: Names) => T {
  const made = new Map<string, T>();
  return (...names) => {
    const key = names.join('\n');
    const found = made.get(key) ?? make(...names);
    made.set(key, found);
    return found;
  };
}
