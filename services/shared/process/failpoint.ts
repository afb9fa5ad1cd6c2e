/**
 * A place where a crash test ends the process, as a power failure would. `USAGE_FAILPOINT=<name>:<n>` sends
 * it SIGKILL when the failpoint with that name is passed for the n-th time. `<name>:<n>:stop` sends
 * SIGSTOP, so that it continues later as a zombie, with SIGCONT. Without the variable nothing happens.
 */
export const failpoint = (name: string): void => {
  if (name !== armed?.name || ++passes !== armed.pass) return;
  process.kill(process.pid, armed.signal);
};

interface Armed {
  readonly name: string;
  readonly pass: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/** Null if the text is empty or not a failpoint. */
const parse = (text = ''): Armed | null => {
  const [, name, pass, stop] = /^([a-z-]+):([1-9]\d*)(:stop)?$/.exec(text) ?? [];
  if (name === undefined) return null;
  return { name, pass: Number(pass), signal: stop === undefined ? 'SIGKILL' : 'SIGSTOP' };
};

const armed = parse(process.env['USAGE_FAILPOINT']);
let passes = 0;
