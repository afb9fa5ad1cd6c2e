/**
 * Loaded by `node --import`: this process ends with the process that started it, which is npm for the
 * scripts of package.json. npm passes on SIGINT and SIGTERM. If anything else ends it, such as SIGKILL,
 * its children are not told. They get another parent then, which counts as a hang-up here: a program that
 * listens to SIGHUP ends cleanly, and any other program ends at once.
 *
 * A script of npm must begin with `exec`, or there is a shell in between, which outlives npm and passes
 * no signal on. Jest's workers are started with the options of Jest's own process, this one too.
 */
const POLL_MILLIS = 250;
const parent = process.ppid;

const timer = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(timer);
  process.kill(process.pid, 'SIGHUP');
}, POLL_MILLIS);
timer.unref();
