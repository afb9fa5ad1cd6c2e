import { DAY_MILLIS } from '../model/time.ts';

/** How long after its beginning Commerce takes the usage of an hour: docs/azure.md, "Metering service". */
export const ACCEPTED_FOR_MILLIS = DAY_MILLIS;
