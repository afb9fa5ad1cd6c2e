import { userInfo } from 'node:os';
import type { Environment } from '../process/config.ts';
import { UserError } from '../process/errors.ts';

/** The system's user of this process. `$USER` is only what somebody has set. */
const systemUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `uid ${String(process.getuid?.() ?? 'unknown')}`; // a container's user may have no name
  }
};

/** A name that can be recorded: 1 to 200 characters, none of which can steer a terminal. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u;

/**
 * The name that is recorded with changes: the value of `USAGE_ACTOR` (or `--actor`), otherwise the system's
 * user.
 * @throws UserError if the name cannot be recorded
 */
export const actorName = (
  environment: Environment = process.env,
  system: () => string = systemUser,
): string => {
  const given = environment['USAGE_ACTOR'];
  if (given === undefined) return system();
  const name = given.trim();
  if (NAME.test(name)) return name;
  throw new UserError(
    'The actor must be a name of 1 to 200 characters in one line: correct --actor or USAGE_ACTOR',
  );
};
