import { cityHash128 } from './city-hash.ts';

/** Of the bytes `(31 i + length) mod 256`, by the Python package clickhouse-cityhash 1.0.2.6. */
const REFERENCE: readonly (readonly [length: number, hash: string])[] = [
  [0, '3df09dfc64c09a2b3cb540c392e51e29'],
  [1, '5a03ab4f802b3f6c58a88a3c8a31e91a'],
  [3, '368a6f84b43b056916d2adb67ff945c5'],
  [4, '40ea46603f231b8575f1cc3a36d13ad5'],
  [8, '9fb766425908c49dc6e4b7bf6f55543b'],
  [15, '5f5b844cee2ccd0d487b13dd97b4991c'],
  [16, '4107591f033884c22db83799db9ff017'],
  [17, '98451dfbf89b028f74a2f13fed3073fe'],
  [33, 'caefd4fadff588ba96eae2c6e64da13e'],
  [127, '8c531cc3b1f675f6b67fbecc473e2b07'],
  [128, 'edb6f0db39b52359d964ac60640c8111'],
  [144, 'fcbe401928468bd70bf054cc4c298078'],
  [145, 'd9c40d83448f87372c1554106d784445'],
  [271, '02c0477daf8403e3110dd7a1a213b03d'],
  [272, '2d507fb6126113d9acf553ba6cacedaa'],
  [300, '621c84153b64c7a6ae6e18e54a072539'],
  [100000, 'a27fd351cbe54a1cb8fd44333abe3037'],
];

test.each(REFERENCE)('of %i bytes the hash is that of ClickHouse', (length, expected) => {
  const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 31 + length) % 256));
  const hash = cityHash128(bytes);
  const halves = [hash.readBigUInt64LE(0), hash.readBigUInt64LE(8)];
  expect(halves.map((half) => half.toString(16).padStart(16, '0')).join('')).toBe(expected);
});
