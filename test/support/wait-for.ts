/**
 * Resolves with the first value that is not null, false or undefined; asks again until then. Its limit
 * names what a hanging test waited for; how fast a machine is must not matter.
 */
export const waitFor = async <T>(
  what: string,
  ask: () => Promise<T | null | false | undefined>,
  seconds = 300,
): Promise<T> => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await ask();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${String(seconds)} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
