import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.local/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Index signatures of environments and headers are read with brackets, as data, not as members.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-console': 'error',
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { string: true } },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // Every listener refuses foreign hosts, origins and sites: `guardedServer` makes them.
    files: ['services/**/*.ts'],
    ignores: ['services/shared/http/guarded-server.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'fastify',
              allowTypeImports: true,
              message: 'Make the server with guardedServer of services/shared/http.',
            },
          ],
        },
      ],
    },
  },
  {
    // What runs at a terminal prints there.
    files: ['services/cli/**', 'services/local/**', 'schemas/check.ts', 'test/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Names and messages of others must not steer a terminal: see `services/cli/print.ts`.
    files: ['services/cli/**'],
    ignores: ['services/cli/print.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'stdout', message: 'Use print or printJson.' },
      ],
    },
  },
);
