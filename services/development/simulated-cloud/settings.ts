import { wholeNumber } from '../../shared/process/config.ts';

/** Which cloud is simulated. History and live providers have the same resources if these are the same. */
export const cloudSettings = {
  CLOUD_SUBSCRIPTIONS: wholeNumber(3, 1, 10_000),
  CLOUD_SEED: wholeNumber(1, 0, 2 ** 31),
};
