import type { DirectoryView } from '../../shared/directory/directory-view.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { UserError } from '../../shared/process/errors.ts';
import { accessOf, type AccessRequest, type Visible } from '../../shared/sign-in/access.ts';

/**
 * Whose usage the operator's API would answer to a subscription. Whoever reads ClickHouse needs no role.
 * @throws UserError if it would answer nothing
 */
export const visibleUsage = async (
  directory: Pick<DirectoryView, 'entriesFor'>,
  given: string,
  defaultProvider: string,
): Promise<Visible> => {
  const subscription = asciiLower(given);
  const request: AccessRequest = { api: 'provider', subscription, defaultProvider, roles: 'every' };
  const access = accessOf(request, await directory.entriesFor(request));
  if (access.kind === 'granted') return access.visible;
  const reason = access.kind === 'deleted' ? 'is deleted' : 'has no direct tenants';
  throw new UserError(
    `The calling subscription ${subscription} ${reason} in the directory, so it may read no usage of tenants: name a provider with --subscription, see "usagectl subscriptions list"`,
  );
};
