import { createHash } from 'node:crypto';
import { resourceKey } from '../../shared/model/placement.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource } from './resource.ts';

/** The resource group of the workers. */
const GROUP = 'AppService.local';

/**
 * The resources with the web workers of their App Service plans. A worker is metered while it is assigned to
 * a plan, so it lives and changes as its plan does; but its cores count for the operator's own subscription,
 * because they are what Microsoft charges for App Service.
 */
export const withWorkers = (
  resources: readonly CloudResource[],
  operator: string,
): readonly CloudResource[] => [
  ...resources,
  ...resources.filter(({ kind }) => kind === 'app-service').map((plan) => workerOf(plan, operator)),
];

const workerOf = ({ resourceUri, changes }: CloudResource, operator: string): CloudResource =>
  newResource({
    subscriptionId: operator,
    group: GROUP,
    kind: 'app-service-worker',
    name: `worker-${hashOf(resourceKey(resourceUri))}`,
    changes,
  });

/** Plans of different subscriptions may have the same name. */
const hashOf = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 12);
