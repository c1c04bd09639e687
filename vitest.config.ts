import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begun first, so that none of them goes on alone when all others are done. */
const LONGEST = [
  ...['chaos', 'payment.browser', 'status.browser', 'start', 'outages', 'bench', 'shutdown'],
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
    include: ['{test,chaos,bench}/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/quiet.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // On two cores, for a good part of what tests do is waiting.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // Files share their processes: loading the SDKs for each anew takes longer than most tests.
    isolate: false,
  },
});
