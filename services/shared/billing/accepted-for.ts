/** How long after its beginning Commerce takes the usage of an hour: docs/azure.md, "Metering service". */
export const ACCEPTED_FOR_MILLIS = 24 * 3_600_000;
