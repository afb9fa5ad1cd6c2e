import { readFileSync, writeFileSync } from 'node:fs';
import { inRepository } from '../../services/shared/process/repository.ts';
import { VECTORS_FILE, vectorsText } from './vectors.ts';

test('the test vectors for producers in other languages are what our own code makes', () => {
  const path = inRepository(VECTORS_FILE);
  const text = vectorsText();
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
