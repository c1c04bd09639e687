/** `npm run mutants` is not part of the suite. This test keeps its list of faults in step with the code. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apply } from '../mutants/fault.ts';
import { FAULTS } from '../mutants/faults/index.ts';

it.each(FAULTS)('can be put into the code: $name', (fault) => {
  const source = readFileSync(fault.file, 'utf8');
  expect(apply(fault, source)).not.toBe(source);
  expect(Object.keys(fault.caughtBy)).not.toEqual([]);
  for (const file of Object.keys(fault.caughtBy)) expect(existsSync(file), file).toBe(true);
});

it('each fault has a name of its own', () => {
  const names = FAULTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
