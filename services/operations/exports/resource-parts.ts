/** What the URI of a resource says of it; null for what it does not have. */
export interface ResourceParts {
  readonly subscription: string | null;
  readonly resourceGroup: string | null;
  /** The namespace of its provider: `Microsoft.Compute` */
  readonly namespace: string | null;
  /** The last type: `virtualMachines`; for a child such as `servers/databases`, `databases`. */
  readonly type: string | null;
  readonly name: string | null;
}

/**
 * Reads `/subscriptions/{id}/resourceGroups/{group}/providers/{namespace}/{type}/{name}[/{type}/{name}…]`. The names of its parts have no
 * fixed case.
 */
export const resourceParts = (uri: string): ResourceParts => {
  const segments = uri.split('/').filter((segment) => segment !== '');
  const after = (word: string): string | null => {
    const at = segments.findIndex((segment) => segment.toLowerCase() === word);
    return at < 0 ? null : (segments[at + 1] ?? null);
  };
  const providers = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const typed = providers < 0 ? [] : segments.slice(providers + 2);
  const last = Math.floor(typed.length / 2) * 2;
  return {
    subscription: after('subscriptions'),
    resourceGroup: after('resourcegroups'),
    namespace: providers < 0 ? null : (segments[providers + 1] ?? null),
    type: typed[last - 2] ?? null,
    name: typed[last - 1] ?? null,
  };
};
