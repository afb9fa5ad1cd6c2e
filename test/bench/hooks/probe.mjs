/**
 * Imported into a service (`node --import`) that the benchmark looks into. At SIGUSR2 it prints, as one line
 * of JSON, the longest pause of the event loop since the signal before, and how much memory is in use once
 * what nobody needs has been collected.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const RESOLUTION_MILLIS = 5;
const NANOS = 1e6;

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc');
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS });
delays.enable();
let number = 0;

process.on('SIGUSR2', () => {
  const longestPauseMillis = Math.max(0, delays.max / NANOS - RESOLUTION_MILLIS);
  collect();
  collect(); // the first one frees what holds array buffers
  const { heapUsed, external } = process.memoryUsage();
  const liveBytes = heapUsed + external;
  process.stdout.write(`${JSON.stringify({ probe: ++number, longestPauseMillis, liveBytes })}\n`);
  setImmediate(() => delays.reset()); // what this has cost is no pause of the service
});
