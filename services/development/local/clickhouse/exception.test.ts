import { asException, ClickHouseException, exceptionText, httpStatus } from './exception.ts';

const UNKNOWN_TABLE =
  "Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)";

test('an error of the engine keeps its code and text', () => {
  expect(asException(new Error(UNKNOWN_TABLE))).toMatchObject({
    code: 60,
    message: UNKNOWN_TABLE,
  });
});

test('an error that the engine wrapped, once for each layer, is told by its innermost', () => {
  const wrapped = `Code: 1002. DB::Exception: Code: 36. DB::Exception: ${UNKNOWN_TABLE} (version 26.7.2.1). (BAD_ARGUMENTS) (version 26.7.2.1). (UNKNOWN_EXCEPTION)`;
  expect(asException(new Error(wrapped)).code).toBe(60);
});

test('an exception of this server passes as it is', () => {
  const exception = new ClickHouseException(48, 'no');
  expect(asException(exception)).toBe(exception);
});

test('a full disk is NOT_ENOUGH_SPACE, anything else without a code UNKNOWN_EXCEPTION', () => {
  expect(asException(Object.assign(new Error('x'), { code: 'ENOSPC' })).code).toBe(243);
  expect(asException(new TypeError('x')).code).toBe(1002);
  expect(asException('text').message).toBe('text');
});

test('the text is one that clients parse', () => {
  const text = exceptionText(new ClickHouseException(48, 'Not here.'), '26.7.2.1');
  expect(text).toBe('Code: 48. DB::Exception: Not here. (NOT_IMPLEMENTED) (version 26.7.2.1)\n');
  expect(exceptionText(asException(new Error(UNKNOWN_TABLE)), '1')).toBe(
    `${UNKNOWN_TABLE} (version 1)\n`,
  );
});

test.each([
  [62, 400],
  [60, 404],
  [159, 408],
  [552, 413],
  [48, 501],
  [241, 500],
])('code %i has HTTP status %i', (code, status) => {
  expect(httpStatus(code)).toBe(status);
});
