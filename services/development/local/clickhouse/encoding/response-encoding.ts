import * as zlib from 'node:zlib';
import { Duplex } from 'node:stream';
import { toLz4Frame } from './lz4-frame.ts';

/** Node has had it since 22.15; the types are those of 20. */
const { createZstdCompress } = zlib as { readonly createZstdCompress?: () => Duplex };

/** By the names of Accept-Encoding, the quickest first. */
const ENCODERS: ReadonlyMap<string, () => Duplex> = new Map<string, () => Duplex>([
  ['lz4', () => Duplex.from(toLz4Frame)],
  ...(createZstdCompress === undefined ? [] : [['zstd', createZstdCompress] as const]),
  ['gzip', () => zlib.createGzip({ level: 1 })],
  ['deflate', () => zlib.createDeflate({ level: 1 })],
  ['br', () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })],
]);

const accepted = (acceptEncoding: string): ReadonlySet<string> =>
  new Set(
    acceptEncoding
      .toLowerCase()
      .split(',')
      .map((part) => part.split(';').map((text) => text.trim()))
      .filter(([, ...parameters]) => !parameters.some((text) => /^q=0(\.0*)?$/.test(text)))
      .map(([name = '']) => name),
  );

/** What to answer with, of what a client accepts; null if there is nothing in common. */
export const chooseEncoding = (acceptEncoding: string): string | null => {
  const names = accepted(acceptEncoding);
  return [...ENCODERS.keys()].find((name) => names.has(name)) ?? null;
};

export const createEncoder = (encoding: string): Duplex | null =>
  ENCODERS.get(encoding)?.() ?? null;
