import { asciiLower } from '../../../shared/model/placement.ts';
import type { CommerceMeters } from '../commerce-meters.ts';
import type { AzureDirectory } from '../registrations/registrations-file.ts';

/** What people call meters, subscriptions and registrations. */
export class Names {
  private readonly meters: CommerceMeters;
  private readonly directory: AzureDirectory;

  constructor(meters: CommerceMeters, directory: AzureDirectory) {
    this.meters = meters;
    this.directory = directory;
  }

  meter(dimension: string): string {
    return this.meters.get(asciiLower(dimension))?.name ?? 'Unknown meter';
  }

  unit(dimension: string): string {
    return this.meters.get(asciiLower(dimension))?.unit ?? '';
  }

  category(dimension: string): string {
    return this.meters.get(asciiLower(dimension))?.category ?? 'Other';
  }

  /** The Azure subscription that pays. */
  payer(subscriptionId: string): string {
    const { registrations, subscriptions } = this.directory;
    const all = [...subscriptions, ...registrations];
    return all.find((each) => each.subscriptionId === subscriptionId)?.displayName ?? 'A customer';
  }

  registration(name: string): string {
    const found = this.directory.registrations.find((each) => each.name === name);
    return found?.displayName ?? name;
  }
}

/** The name of a resource, and what it is: `Microsoft.Compute/virtualMachines in group web`. */
export const describeResource = (
  resource: string,
): { readonly name: string; readonly kind: string } => {
  const segments = resource.split('/').filter((segment) => segment !== '');
  const at = segments.findIndex((segment) => asciiLower(segment) === 'providers');
  if (at < 0) return { name: resource, kind: '' };
  const [namespace = '', ...path] = segments.slice(at + 1);
  const types = path.filter((_, i) => i % 2 === 0);
  const names = path.filter((_, i) => i % 2 === 1);
  const group = /\/resourceGroups\/([^/]+)/i.exec(resource)?.[1];
  return {
    name: names.join('/') || resource,
    kind: [namespace, ...types].join('/') + (group === undefined ? '' : ` in ${group}`),
  };
};
