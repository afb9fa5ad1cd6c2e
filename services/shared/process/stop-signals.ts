/** What asks a process to end in good order: a supervisor, Ctrl-C, or a terminal that was closed. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
