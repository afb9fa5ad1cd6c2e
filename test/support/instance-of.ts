import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';

/** What a row of the usage API says of its resource. */
export interface Instance {
  readonly resourceUri: string;
  readonly location: string;
  readonly tags: string | null;
  readonly additionalInfo: string | null;
}

export const instanceOf = ({
  properties,
}: {
  readonly properties: Pick<UsageAggregateResource['properties'], 'instanceData'>;
}): Instance =>
  (JSON.parse(properties.instanceData) as { 'Microsoft.Resources': Instance })[
    'Microsoft.Resources'
  ];
