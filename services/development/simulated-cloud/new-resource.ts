import { KINDS } from './kinds.ts';
import type { CloudResource, ResourceChange, ResourceKind } from './resource.ts';

/** As Azure Stack Hub's development kit calls its only region. */
const LOCATION = 'local';

interface NewResource {
  readonly subscriptionId: string;
  readonly group: string;
  readonly kind: ResourceKind;
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly changes: readonly ResourceChange[];
}

/** A resource as its provider knows it: each provider spells groups, and an absence of tags, in its own way. */
export const newResource = ({
  subscriptionId,
  group,
  kind,
  name,
  tags,
  changes,
}: NewResource): CloudResource => {
  const { provider, type } = KINDS[kind];
  const segment =
    kind === 'storage-account'
      ? `resourcegroups/${group}`
      : `resourceGroups/${kind === 'disk' ? group.toUpperCase() : group}`;
  return {
    resourceUri: `/subscriptions/${subscriptionId}/${segment}/providers/${type}/${name}`,
    subscriptionId,
    provider,
    kind,
    location: LOCATION,
    tags: tags ? JSON.stringify(tags) : noTags(kind),
    changes,
  };
};

const noTags = (kind: ResourceKind): string | null => {
  switch (kind) {
    case 'vm':
      return 'null';
    case 'disk':
    case 'storage-account':
      return '';
    default:
      return null;
  }
};
