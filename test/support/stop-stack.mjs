import { rm } from 'node:fs/promises';

/** Jest's global tear-down. */
export default async () => {
  const { kafka, clickHouse, directory } = globalThis.usageStack;
  await Promise.all([kafka.stop(), clickHouse.stop()]);
  await rm(directory, { recursive: true, force: true });
};
