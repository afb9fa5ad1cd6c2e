import type { DirectoryEntry } from '../../services/shared/sign-in/access.ts';
import { callerBy, type CallerOf } from '../../services/usage-api/caller.ts';

/** A directory that the engine does not hold. */
export const directoryOf = (entries: readonly DirectoryEntry[]) => ({
  entriesFor: () => Promise.resolve(entries),
  isTenantOfDefault: (subscription: string, provider: string) =>
    Promise.resolve(
      entries.some(
        (each) =>
          each.id === subscription &&
          (each.provider === provider ||
            entries.some(({ id, state }) => id === each.provider && state === 'deleted')),
      ),
    ),
});

export const NO_DIRECTORY = directoryOf([]);

/** Everybody may call; all subscriptions are the default provider's. */
export const callerWithoutSignIn = (provider: string): CallerOf =>
  callerBy({ signIn: null, directory: NO_DIRECTORY, provider });
