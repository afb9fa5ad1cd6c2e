import type { ProviderOptions } from './provider-options.ts';
import { readOptions } from './read-options.ts';

const options: ProviderOptions = { kafka: { KAFKA_BROKERS: ['a:9092', '[::1]:9092'] }, topic: 't' };

test('what is not given has its default, also where it is undefined', () => {
  const defaults = {
    ...options,
    hourMillis: 3_600_000,
    maxBufferedBytes: 33_554_432,
    giveUpMillis: 120_000,
    closeMillis: 5_000,
  };
  expect(readOptions(options)).toEqual(defaults);
  expect(readOptions({ ...options, giveUpMillis: undefined })).toEqual(defaults);
});

test('the settings of a service may be given as they are', () => {
  const kafka = { KAFKA_BROKERS: ['a:9092'], USAGE_TOPIC_PREFIX: 'usage' };
  expect(readOptions({ ...options, kafka }).kafka).toEqual({ KAFKA_BROKERS: ['a:9092'] });
});

test('every problem is named, unknown options too', () => {
  const wrong = { kafka: { KAFKA_BROKERS: ['a'] }, topic: '', giveUpMillis: 0.5, closeMilis: 1 };
  expect(() => readOptions(wrong)).toThrow(
    /^The provider cannot be opened\. kafka\.KAFKA_BROKERS\.0: must be host:port; topic: .*; giveUpMillis: must be a whole number; : .*closeMilis/,
  );
});
