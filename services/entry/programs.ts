/** Every program that a machine or a container may run, by the name that it is started with. */
export const PROGRAMS: Readonly<Record<string, () => Promise<unknown>>> = {
  aggregator: () => import('../aggregator/main.ts'),
  bridge: () => import('../bridge/main.ts'),
  'usage-api': () => import('../usage-api/main.ts'),
  commerce: () => import('../development/commerce/main.ts'),
  providers: () => import('../development/providers/main.ts'),
  usagectl: () => import('../cli/main.ts'),
  prepare: () => import('./prepare.ts'),
  health: () => import('./health.ts'),
  'make-keys': () => import('../development/containers/make-keys.ts'),
  'first-run': () => import('../development/containers/first-run.ts'),
};
