import { formatFields, formatTable, outputWidth } from './table.ts';
import { widthOf } from './printable.ts';

const URI = `/subscriptions/39c82aed-b2b7-4a66-abdb-611de00bf11e/providers/Microsoft.Compute/${'x'.repeat(80)}/vm7`;

test('numbers stand to the right, everything else to the left', () => {
  expect(
    formatTable(
      ['NAME', 'N'],
      [
        ['a', 1],
        ['bcdef', 12n],
        ['c', null],
      ],
    ),
  ).toBe(['NAME    N', '-----  --', 'a       1', 'bcdef  12', 'c       -'].join('\n'));
});

test('no cell forges a line, steers the terminal or moves the columns beside it', () => {
  const hostile = '\u001b[2J\u001b[1;1HCompared 1 resources: no difference.\nequal\u202e';
  const lines = formatTable(
    ['METER', 'RESOURCE', 'STATE'],
    [
      [hostile, '計量', 'wrong'],
      ['x', 'vm', 'equal'],
    ],
  ).split('\n');
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  const [heading = '', , first = '', second = ''] = lines;
  const column = heading.indexOf('STATE');
  expect(widthOf(first.slice(0, first.indexOf('wrong')))).toBe(column);
  expect(widthOf(second.slice(0, second.indexOf('equal')))).toBe(column);
});

test('what is too wide is cut on a terminal, the widest first, and whole in a pipe', () => {
  const rows = [['usage.events.compute/1/0/4', URI, 'the message', 7]] as const;
  const headings = ['DEAD LETTER', 'RESOURCE', 'MESSAGE', 'BYTES'];
  const narrow = formatTable(headings, rows, { width: 80, whole: ['DEAD LETTER'] });
  for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(narrow).toMatch(/^usage\.events\.compute\/1\/0\/4 {2}\/subscr.*….*x\/vm7 {2}the message/m);
  expect(formatTable(headings, rows, { width: Infinity })).toContain(URI);
  expect(formatTable(headings, rows, { width: 20, whole: ['DEAD LETTER'] })).toContain(
    'usage.events.compute/1/0/4',
  );
});

test('a terminal has a width, a pipe takes everything', () => {
  const stream = (isTTY: boolean, columns: number) =>
    ({ isTTY, columns }) as unknown as typeof process.stdout;
  expect(outputWidth(stream(true, 100))).toBe(100);
  expect(outputWidth(stream(false, 0))).toBe(Infinity);
});

test('fields: a hostile name pushes no other text away, and a long text is whole in a pipe', () => {
  const fields = [
    ['n'.repeat(500), 'a'],
    ['x\r\n', '\u009b2J'],
    ['long', 'y'.repeat(3_000)],
  ] as const;
  const shown = formatFields(fields, { width: 80 });
  expect(shown[1]).toBe(`  x\\u000d\\u000a${' '.repeat(27)}  \\u009b2J`);
  expect(shown[2]).toHaveLength(2 + 40 + 2 + 2_000);
  expect(formatFields(fields, { width: Infinity })[2]).toContain('y'.repeat(3_000));
});
