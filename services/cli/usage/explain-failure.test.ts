import { usageFailed } from './explain-failure.ts';

const TARGET = {
  endpoint: { url: 'https://127.0.0.1:8080', token: null, ca: null },
  api: 'provider',
  subscriptionId: 's',
  profile: null,
} as const;

const said = (status: number, code: string, message: string): string =>
  usageFailed({ status, code, message, requestId: null }, TARGET).message;

test('walk-beside-a-rebuild: who has read a part of a range that changed drops it and starts over', () => {
  const stale = said(400, 'InvalidProperty', "The property 'continuationToken' is stale: usage …");
  expect(stale).toContain('What was printed is not all of it: drop it, and run the command again.');
});

test('an hour that is not answered for long has a command that says why', () => {
  const waiting = 'The usage reported in the hour from … is being restated.';
  expect(said(202, 'ProcessingNotComplete', waiting)).toContain('"usagectl status" says why');
});

test('times of hours without --granularity hourly are told what to add', () => {
  const daily = "The property 'reportedStartTime' must be midnight UTC for daily usage.";
  expect(said(400, 'InvalidProperty', daily)).toContain('--granularity hourly');
  expect(said(400, 'InvalidProperty', 'The property x is missing.')).not.toContain('granularity');
});
