import { frame, unframe } from './wire-format.ts';

test('a datum is framed by a zero byte and four big-endian bytes of its schema id', () => {
  expect(frame(0x01020304, Buffer.from('data')).toString('hex')).toBe('0001020304' + '64617461');
  expect(frame(0xffffffff, Buffer.alloc(0)).toString('hex')).toBe('00ffffffff');
  expect(unframe(frame(0xffffffff, Buffer.from('x')))).toEqual({
    schemaId: 0xffffffff,
    datum: Buffer.from('x'),
  });
});

test.each(['', '00', '00000000', '0100000001', 'ff0000000102'])('%s is not framed', (hex) => {
  expect(unframe(Buffer.from(hex, 'hex'))).toBeNull();
});
