import { encodeEvent, eventOf, minute } from '../../../test/support/fold/fixtures.ts';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { frame } from '../../shared/avro/wire-format.ts';
import { describeValue, formatLetter } from './describe.ts';
import type { Letter } from '../../operations/dead-letters/letters.ts';
import { instantText } from '../instant-text.ts';
import { hexDump } from './hex-dump.ts';

const schemas = readSchemaDirectory();
const sound = encodeEvent(eventOf());

test('a value is read as far as it can be', () => {
  expect(describeValue(null, schemas)).toMatchObject({ schemaId: null, event: null });
  expect(describeValue(Buffer.from('{}'), schemas)).toMatchObject({ schemaId: null });
  expect(describeValue(frame(4_000_000_000, sound), schemas)).toMatchObject({
    schemaId: 4_000_000_000,
    problem: 'no schema is published under this id',
  });
  expect(describeValue(sound.subarray(0, -1), schemas)).toMatchObject({ event: null });
  expect(describeValue(sound, schemas)).toMatchObject({
    event: { quantity: '1', location: 'local', tags: null },
    problem: null,
  });
});

test('an instant that no date can name is shown all the same', () => {
  expect(instantText(9e15)).toBe('9000000000000000 ms');
  expect(instantText(-(2n ** 63n))).toBe('-9223372036854775808 ms');
  expect(instantText(1_768_003_200_000n)).toBe('2026-01-10T00:00:00Z');
  expect(instantText(minute(30))).toBe('2026-01-10T00:30:00Z');
});

test('what a sender wrote cannot steer the terminal', () => {
  const letter: Letter = {
    topic: 'usage.events.compute',
    epoch: 1,
    partition: 0,
    offset: 1,
    code: 'malformed',
    message: 'a\u001b[2Jb',
    reportedTime: minute(1),
    bytes: 4,
    disposition: null,
    timestamp: minute(1),
    key: Buffer.from('\u001b]0;title\u0007'),
    value: Buffer.from('\u001b[2J'),
    headers: { 'x\r\n': '\u009b2J' },
  };
  const text = formatLetter(letter, describeValue(letter.value, schemas), [], false);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
});

test('bytes are shown sixteen to a line, up to a bound', () => {
  expect(hexDump(Buffer.from('0123456789abcdef!'), 16)).toBe(
    '00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n… 1 more',
  );
  expect(hexDump(Buffer.from([0, 255]))).toBe(`00000000  ${'00 ff'.padEnd(47)}  ..`);
});
