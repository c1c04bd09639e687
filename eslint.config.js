import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', '.data/', 'coverage/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // A promise that nobody awaits is how a registration gets lost.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    // Workflow code is replayed: only orchestration, no I/O, no clock or randomness of the host.
    files: ['src/workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(node:|\\.\\./(?!(registration|refund|change|cancel-event)\\.ts))',
              allowTypeImports: true,
              message: 'Workflows import the domain and Temporal only.',
            },
          ],
        },
      ],
    },
  },
  {
    // Types of Vitest and Fastify are extended by merging interfaces.
    files: [
      'test/setup.ts',
      'src/api/page.ts',
      'src/api/shared-limits.ts',
      'src/api/organizer/session.ts',
      'src/api/organizer/forms.ts',
    ],
    rules: { '@typescript-eslint/consistent-type-definitions': 'off' },
  },
  {
    // Browser scripts are plain JavaScript and are served without a build.
    files: ['src/web/*/public/**/*.js', 'sandbox/**/browser/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        'window document location localStorage fetch crypto setTimeout clearTimeout setInterval clearInterval URL URLSearchParams AbortSignal FormData BroadcastChannel Intl console navigator customElements sessionStorage CSS MessageChannel addEventListener parent getComputedStyle DOMParser EventSource print HTMLElement CSSStyleSheet Option'
          .split(' ')
          .map((name) => [name, 'readonly']),
      ),
    },
  },
);
