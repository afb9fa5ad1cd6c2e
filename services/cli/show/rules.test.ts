import { rulesOf } from '../../../test/support/fold/fixtures.ts';
import { consequencesOf } from './rules.ts';

const before = rulesOf();
const behind = 'can be redriven now.';

test('a schema or a namespace that has come needs no restart, and no such thing is said', () => {
  const schemas = [...before.schemas, { id: 7, fingerprint: 'f' }];
  expect(consequencesOf(before, { ...before, schemas })).toEqual([
    'Aggregators whose schema directory has schema id 7 take it up by themselves.',
    expect.stringContaining(behind) as string,
  ]);
  expect(consequencesOf(before, { ...before, namespaces: ['other'] })).toEqual([
    expect.stringContaining(behind) as string,
  ]);
});

test('a key that has come, and one whose secret is another now, need a restart', () => {
  const [key = { id: '', fingerprint: '' }] = before.controlKeys;
  for (const controlKeys of [
    [key, { id: 'second', fingerprint: 'g' }],
    [{ id: 'second', fingerprint: 'g' }],
  ]) {
    const [said] = consequencesOf(before, { ...before, controlKeys });
    expect(said).toMatch(
      /^Restart every aggregator and bridge that does not have key second in USAGE_C/,
    );
  }
  const [said] = consequencesOf(before, { ...before, controlKeys: [{ ...key, fingerprint: 'h' }] });
  expect(said).toContain(`key ${key.id} in`);
});

test('another version of the fold needs a restart with that version', () => {
  const [said] = consequencesOf(before, { ...before, foldVersion: 9 });
  expect(said).toMatch(/^Restart every aggregator with this version, which has fold version 9\./);
});
