import type { StoredSubscription } from '../../shared/directory/directory-table.ts';
import { planChange } from './change-directory.ts';

const entry = (id: string, revision: number, more: Partial<StoredSubscription> = {}) => ({
  id,
  provider: 'p',
  state: 'active' as const,
  displayName: '',
  offer: '',
  customer: '',
  revision,
  ...more,
});

test('only what is new or different is written, with the revision that it replaces', () => {
  const { revision: _, ...same } = entry('same', 0);
  const given = [same, { ...same, id: 'other', provider: 'q' }, { ...same, id: 'new' }];
  const stored = [entry('same', 3), entry('other', 7), entry('untouched', 1)];
  expect(planChange(stored, given)).toEqual({
    rows: [entry('new', 0), entry('other', 7, { provider: 'q' })],
    change: { added: 1, changed: 1, unchanged: 1 },
  });
});

test.each([
  { state: 'deleted' as const },
  { displayName: 'x' },
  { offer: 'x' },
  { customer: 'x' },
  { provider: 'x' },
])('a difference in any field is a change: %o', (more) => {
  const { rows } = planChange([entry('a', 1)], [entry('a', 1, more)]);
  expect(rows).toEqual([entry('a', 1, more)]);
});
