import type { Millis } from '../../shared/model/time.ts';
import type { PlatformKind } from './platform-families.ts';

/** Who reports the usage of a resource: the name of a live source, see `deploy/kafka/providers.json`. */
export type ProviderName = 'compute' | 'storage' | 'network' | 'platform';

/** What a resource can be. `kinds.ts` says what each kind consumes. */
export type ResourceKind = 'vm' | 'disk' | 'storage-account' | 'public-ip' | PlatformKind;

export type OperatingSystem = 'windows' | 'linux';

/** Something that happens to a resource at an instant. From then on it is as the change says. */
export type ResourceChange =
  | {
      readonly kind: 'created';
      readonly at: Millis;
      /** A size of its kind: `Standard_F2s` of a machine, `S10` of a disk, `static` of an address. */
      readonly size: string;
      /** Machines only. */
      readonly os?: OperatingSystem;
    }
  | { readonly kind: 'resized'; readonly at: Millis; readonly size: string }
  /** `stopped` keeps its place in the cloud and is metered; `deallocated` gives it back and is not. */
  | {
      readonly kind: 'started' | 'stopped' | 'deallocated' | 'deleted';
      readonly at: Millis;
    };

/** A resource of the simulated cloud, with all that is known of it. It can be stored as JSON. */
export interface CloudResource {
  readonly resourceUri: string;
  readonly subscriptionId: string;
  readonly provider: ProviderName;
  readonly kind: ResourceKind;
  readonly location: string;
  /** As the provider writes them into its usage. */
  readonly tags: string | null;
  /** In the order of their times. */
  readonly changes: readonly ResourceChange[];
}
