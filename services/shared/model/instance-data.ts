import type { EventTexts } from './event-texts.ts';

/** What Azure's usage API says of a resource: JSON as text. */
export const instanceData = ({ resourceUri, location, tags, additionalInfo }: EventTexts): string =>
  JSON.stringify({ 'Microsoft.Resources': { resourceUri, location, tags, additionalInfo } });
