/** A part of avsc 5.7.9 that it does not publish; `strict-lengths.ts` says why we need it. */
declare module 'avsc/lib/utils.js' {
  interface Tap {
    readonly buf: Buffer;
    pos: number;
  }
  type ReadLong = (this: Tap) => number;
  const utils: { readonly Tap: { readonly prototype: { readLong: ReadLong; readInt: ReadLong } } };
  export type { ReadLong };
  export default utils;
}
