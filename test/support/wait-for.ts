/**
 * A pause between two looks at what is waited for. Looking takes a third of the time at most: the rest
 * belongs to those who are to get it done.
 */
const pauseAfterLook = (lookMillis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(50, 2 * lookMillis)));

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
    const asked = Date.now();
    const value = await ask();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${String(seconds)} s in vain: ${what}`);
    await pauseAfterLook(Date.now() - asked);
  }
};
