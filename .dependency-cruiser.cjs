/** The import rules of the repository: see docs/architecture.md, "Where things may be imported". */
const SERVICE = '^services/(?!shared/)([^/]+)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle makes it impossible to understand one file after another.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'services-stand-alone',
      comment:
        'A service imports services/shared and schemas, never another service. The command line and the ' +
        'local supervisor start services as processes.',
      severity: 'error',
      from: { path: SERVICE },
      to: { path: '^services/(?!shared/)', pathNot: '^services/$1/' },
    },
    {
      name: 'shared-knows-no-service',
      severity: 'error',
      from: { path: '^services/shared/' },
      to: { path: SERVICE },
    },
    {
      name: 'fold-is-pure',
      comment: 'A fold does no I/O: no client, no file, no clock, no other part of its service.',
      severity: 'error',
      from: { path: '^services/(aggregator|bridge)/fold/', pathNot: '\\.test\\.ts$' },
      to: {
        path: [
          '^services/(aggregator|bridge)/(?!fold/)',
          '^services/shared/(kafka|clickhouse|config|logging)',
          'node_modules/(kafkajs|@clickhouse|pino)/',
          '^fs$',
          '^fs/promises$',
          '^net$',
          '^https?$',
          '^child_process$',
        ],
      },
    },
    {
      name: 'audit-stands-apart',
      comment:
        'The audit recounts with code of its own: a mistake in how records are judged, counted or stored must ' +
        'not be made twice.',
      severity: 'error',
      from: { path: '^services/cli/(audit/|commands/audit\\.ts$)', pathNot: '\\.test\\.ts$' },
      to: {
        path: [
          '^services/(aggregator|bridge)/',
          '^services/shared/usage-event-problem\\.ts$',
          '^services/shared/avro/usage-event-codec\\.ts$',
          '^services/shared/billing/(reconcile|billing-sides)\\.ts$',
        ],
      },
    },
    {
      name: 'code-knows-no-test',
      severity: 'error',
      from: { path: '^(services|schemas)/', pathNot: '\\.test\\.ts$' },
      to: { path: ['^test/', '\\.test\\.ts$', 'node_modules/(fast-check|@jest)/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
