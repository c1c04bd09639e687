import { defineConfig } from 'vitest/config';

/** Starts whole products and kills them: beside other tests it would take their time, and they its own. */
const HEAVY = ['chaos/**/*', 'bench/**/*', 'start', 'shutdown'].map((name) => `test/${name}.test.ts`);
// Files share their processes: loading the SDKs for each anew takes longer than most tests.
const shared = {
  setupFiles: ['test/quiet.ts'],
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    // Of what tests do, a good part is waiting.
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...shared,
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: HEAVY,
          globalSetup: ['test/setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'whole',
          include: HEAVY,
        },
      },
    ],
  },
});
