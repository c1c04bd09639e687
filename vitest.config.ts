import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/quiet.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // On two cores, for a good part of what tests do is waiting.
    maxWorkers: 3,
    // Files share their processes: loading the SDKs for each anew takes longer than most tests.
    isolate: false,
  },
});
