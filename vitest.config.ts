import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest test files start first, so that none of them is left running alone at the end. */
const LONGEST = [
  ...['chaos', 'stores', 'payment.browser', 'status.browser', 'start', 'outages', 'bench', 'shutdown'],
  ...['changed', 'form.browser', 'registration', 'wallet', 'reconciliation', 'card-fields'],
];

class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'chaos/*.test.ts', 'bench/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/quiet.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // A call of Temporal's client that waits for its next try when a test closes the connection ends so, where nobody can catch it.
    onUnhandledError: ({ message }) => message !== 'Channel has been shut down',
    // More workers than the usual two cores, because tests spend much of their time waiting. More than these starve each other.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Test files share processes, because loading the SDKs takes longer than most tests.
    isolate: false,
  },
});
