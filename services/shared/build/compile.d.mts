/** Brings `dist/` up to date. Returns how many files were compiled. */
export const compile: (root?: string) => Promise<number>;
