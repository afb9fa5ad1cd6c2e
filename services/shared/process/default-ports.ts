/** The ports on which everything listens on one machine, unless a setting says otherwise. */
export const DEFAULT_PORTS = {
  kafka: 9092,
  clickHouse: 8123,
  usageApi: 8080,
  commerce: 8081,
  aggregatorHealth: 9400,
  bridgeHealth: 9401,
  providers: 9402,
} as const;

/** The address of a port on this machine. */
export const localUrl = (port: number): string => `http://127.0.0.1:${String(port)}`;
