import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { Millis } from '../../shared/model/time.ts';
import { KINDS } from '../simulated-cloud/kinds.ts';
import { newResource } from '../simulated-cloud/new-resource.ts';
import type {
  ChangeName,
  ChangeRequest,
  CreatedKind,
  CreateRequest,
} from '../simulated-cloud/resource-requests.ts';
import { applyChange, stateAt } from '../simulated-cloud/resource-state.ts';
import type { CloudResource, ResourceChange } from '../simulated-cloud/resource.ts';

/** Why a change is refused, in words that say what to do. */
export interface Refusal {
  readonly code: 'not-found' | 'invalid' | 'conflict';
  readonly message: string;
}

/** The resources of one provider by their keys. */
export type Resources = ReadonlyMap<string, CloudResource>;

type Changed = Result<readonly CloudResource[], Refusal>;

const refuse = (code: Refusal['code'], message: string): { ok: false; error: Refusal } =>
  fail({ code, message });

/** What a person gets who names no size, where the kind's list does not begin with it. */
const USUAL_SIZES: Partial<Readonly<Record<CreatedKind, string>>> = {
  vm: 'Standard_F2s',
  disk: 'S10',
};

/** The resources that exist after a request to create one, from an instant on. A machine gets a disk. */
export const created = (resources: Resources, request: CreateRequest, at: Millis): Changed => {
  const { kind, subscriptionId, resourceGroup: group, os } = request;
  if (os !== undefined && kind !== 'vm') {
    return refuse('invalid', `${aOf(kind)} has no operating system: leave --os out.`);
  }
  const size = sizeOf(kind, request.size ?? USUAL_SIZES[kind]);
  if (!size.ok) return size;
  const named = (name: string): CloudResource =>
    newResource({ subscriptionId, group, kind, name, changes: [] });
  const name = request.name ?? freeName(resources, named, kind);
  const resource = named(name);
  const made = withChange(resources.get(resourceKey(resource.resourceUri)) ?? resource, {
    kind: 'created',
    at,
    size: size.value,
    ...(kind === 'vm' && { os: os ?? 'linux' }),
  });
  if (!made.ok) return refuse('conflict', `${resource.resourceUri} exists already.`);
  if (kind !== 'vm') return succeed([made.value]);
  const disk = created(resources, diskOf(request, name), at);
  return disk.ok ? succeed([made.value, ...disk.value]) : disk;
};

/** A machine's disk is a resource of its own, and goes on without it. */
const diskOf = (
  { subscriptionId, resourceGroup }: CreateRequest,
  machine: string,
): CreateRequest => ({
  kind: 'disk',
  subscriptionId,
  resourceGroup,
  name: `${machine}_OsDisk_1`,
});

const freeName = (
  resources: Resources,
  named: (name: string) => CloudResource,
  kind: CreatedKind,
): string => {
  for (let n = 1; ; n++) {
    const name = kind === 'storage-account' ? `account${String(n)}` : `${kind}-${String(n)}`;
    if (!resources.has(resourceKey(named(name).resourceUri))) return name;
  }
};

/** With its article. */
const aOf = (kind: string): string => `${/^[aeiou]/.test(kind) ? 'An' : 'A'} ${kind}`;

const sizeOf = (
  kind: CloudResource['kind'],
  given: string | undefined,
): Result<string, Refusal> => {
  const { sizes } = KINDS[kind];
  const [usual = ''] = sizes;
  if (given === undefined) return succeed(usual);
  const known = sizes.find((size) => asciiLower(size) === asciiLower(given));
  if (known !== undefined) return succeed(known);
  return refuse(
    'invalid',
    `There is no size "${given}" of ${aOf(kind).toLowerCase()}. There are: ${sizes.join(', ')}.`,
  );
};

const CHANGE_KINDS = {
  stop: 'stopped',
  start: 'started',
  deallocate: 'deallocated',
  delete: 'deleted',
} as const satisfies Readonly<Record<Exclude<ChangeName, 'resize'>, string>>;

/** The resource after a change, from an instant on. */
export const changed = (resources: Resources, request: ChangeRequest, at: Millis): Changed => {
  const { change, size } = request;
  const found = findResource(resources, request.resource, at);
  if (!found.ok) return found;
  const resource = found.value;
  const { kind, resourceUri } = resource;
  if (kind === 'app-service-worker') {
    return refuse('invalid', 'A worker comes, changes and goes with its App Service plan.');
  }
  if (change === 'resize') {
    if (size === undefined) {
      return refuse('invalid', `To which size? There are: ${KINDS[kind].sizes.join(', ')}.`);
    }
    const known = sizeOf(kind, size);
    if (!known.ok) return known;
    return done(
      resourceUri,
      change,
      withChange(resource, { kind: 'resized', at, size: known.value }),
    );
  }
  if (size !== undefined) return refuse('invalid', 'Only a resize has a size.');
  if (change !== 'delete' && !KINDS[kind].hasPower) {
    return refuse('invalid', `${aOf(kind)} cannot be started, stopped or deallocated.`);
  }
  return done(resourceUri, change, withChange(resource, { kind: CHANGE_KINDS[change], at }));
};

const done = (
  resourceUri: string,
  change: ChangeName,
  result: Result<CloudResource, string>,
): Changed =>
  result.ok
    ? succeed([result.value])
    : refuse('conflict', `Cannot ${change} ${resourceUri}: ${result.error}.`);

/** A change in the order of time; why not, if the resource is not in a state for it. */
const withChange = (
  resource: CloudResource,
  change: ResourceChange,
): Result<CloudResource, string> => {
  const applied = applyChange(stateAt(resource, change.at), change);
  if (!applied.ok) return applied;
  const before = resource.changes.filter(({ at }) => at <= change.at);
  const later = resource.changes.filter(({ at }) => at > change.at);
  return succeed({ ...resource, changes: [...before, change, ...later] });
};

/** A resource by its URI, or by its last part if only one existing resource has that name. */
const findResource = (
  resources: Resources,
  given: string,
  at: Millis,
): Result<CloudResource, Refusal> => {
  const exact = resources.get(resourceKey(given));
  if (exact) return succeed(exact);
  const wanted = `/${resourceKey(given)}`;
  const named = [...resources].filter(
    ([key, resource]) => key.endsWith(wanted) && stateAt(resource, at) !== null,
  );
  const [first] = named;
  if (first && named.length === 1) return succeed(first[1]);
  return first
    ? refuse(
        'conflict',
        `${String(named.length)} resources are called "${given}": name one by its URI, such as ${first[1].resourceUri}.`,
      )
    : refuse(
        'not-found',
        `There is no resource "${given}": "usagectl resources list" shows those that are there.`,
      );
};
