import { runService } from '../../services/shared/process/lifecycle.ts';

/** A service that has nothing to do, and logs that all the time (`talking`) or only begins and ends (`silent`). */
runService('logging', (logger) => {
  const timer = setInterval(() => {
    if (process.argv[2] === 'talking') logger.info('still here');
  }, 10);
  logger.info('ready');
  return Promise.resolve({
    stop: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  });
});
