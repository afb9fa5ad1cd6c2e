import { parseReportedTime } from './reported-time.ts';

const AT = Date.UTC(2019, 11, 10, 19);
const MIDNIGHT = Date.UTC(2019, 11, 10);

test.each([
  ['2019-12-10T19:00:00.0000000+00:00', AT],
  ['2019-12-10T19:00:00+00:00Z', AT],
  ['2019-12-10T19:00:00 00:00', AT],
  ['2019-12-10T19:00:00 00:00Z', AT],
  ['2019-12-10T21:30:00 02:30', AT],
  ['2019-12-10T19:00:00', AT],
  ['2019-12-10T19:00', AT],
  ['2019-12-10', MIDNIGHT],
])('%s is read as its writer meant it', (text, instant) => {
  expect(parseReportedTime(text)).toMatchObject({ ok: true, value: { instant, isExact: true } });
});

test.each([
  '4/6/2020 10:00:00 AM',
  '6 May 2020 09:00',
  '2019-12-10 00:00',
  '2019-12-10 19:00:00',
  '2019-12-10T19:00:00ZZ',
  '2019-12-10T19:00:00+24:00',
])('"%s" is no time', (text) => {
  expect(parseReportedTime(text)).toMatchObject({ ok: false });
});
