/** The name that Kafka's protocol gives an error, found in the errors of kafkajs that wrap it. */
export const kafkaErrorType = (error: unknown): string | null => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('type' in cause && typeof cause.type === 'string') return cause.type;
  }
  return null;
};
