import type { EventTexts } from './event-texts.ts';
import { isoText, type Millis } from './time.ts';

/** What Azure's usage API says of a resource: JSON as text. */
export const instanceData = ({ resourceUri, location, tags, additionalInfo }: EventTexts): string =>
  JSON.stringify({ 'Microsoft.Resources': { resourceUri, location, tags, additionalInfo } });

/** A time as Azure's usage API writes it: `2019-12-10T18:00:00+00:00` */
export const offsetText = (instant: Millis): string => isoText(instant).replace('Z', '+00:00');
