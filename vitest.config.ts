import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/quiet.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores, and each file brings servers of its own.
    maxWorkers: 2,
  },
});
