import { rm } from 'node:fs/promises';

/** Jest's global tear-down. */
export default async () => {
  const { servers, directory } = globalThis.usageStack;
  await servers.stop();
  await rm(directory, { recursive: true, force: true });
};
