/**
 * The signals that ask a process to shut down cleanly: from a supervisor, Ctrl-C, or a closed terminal.
 */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
