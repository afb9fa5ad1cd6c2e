/** Gigabytes of storage are binary on Azure Stack Hub: recorded capacities are whole bytes only then. */
export const GIB = 2 ** 30;

/** Requests are reported in 10,000s. */
export const REQUESTS_PER_UNIT = 10_000;
