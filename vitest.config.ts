import { defineConfig } from 'vitest/config';

/** Starts whole products and kills them: beside other tests it would take their time, and they its own. */
const HEAVY = ['chaos/**/*', 'bench/**/*', 'start', 'shutdown'].map((name) => `test/${name}.test.ts`);
const shared = { setupFiles: ['test/quiet.ts'], testTimeout: 30_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    // Two cores, and each file brings servers of its own.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: HEAVY,
          globalSetup: ['test/setup.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'whole',
          include: HEAVY,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
