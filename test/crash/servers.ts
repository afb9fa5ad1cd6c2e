import { join } from 'node:path';
import {
  signalProcess,
  type ServerProcess,
} from '../../services/development/local/child-process.ts';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { startKafka } from '../../services/development/local/kafka/start-kafka.ts';

export type ServerName = 'kafka' | 'clickhouse';

export const BOTH: readonly ServerName[] = ['kafka', 'clickhouse'];

type Running = ServerProcess & {
  readonly port: number;
  /** Of ClickHouse: its login too, which stays the same. */
  readonly environment?: Readonly<Record<string, string>>;
};

interface Server {
  running: Running | null;
  paused: boolean;
  readonly start: (port: number) => Promise<Running>;
  port: number;
  environment: Readonly<Record<string, string>>;
}

/** A broker and an engine that can be killed, paused, and started again on their data and ports. */
export class Servers {
  private readonly servers: Readonly<Record<ServerName, Server>>;

  private constructor(directory: string) {
    const server = (start: Server['start']): Server => ({
      running: null,
      paused: false,
      start,
      port: 0,
      environment: {},
    });
    this.servers = {
      kafka: server((port) =>
        startKafka({ dataDir: join(directory, 'kafka'), port, overrides: KAFKA_SETTINGS }),
      ),
      clickhouse: server((port) =>
        startClickHouse({ dataDir: join(directory, 'clickhouse'), port }),
      ),
    };
  }

  static async start(directory: string): Promise<Servers> {
    const servers = new Servers(directory);
    await servers.restore();
    return servers;
  }

  /** For the services, and for this process's own clients. */
  get environment(): Readonly<Record<string, string>> {
    const { kafka, clickhouse } = this.servers;
    return {
      KAFKA_BROKERS: `127.0.0.1:${String(kafka.port)}`,
      ...clickhouse.environment,
    };
  }

  /** SIGKILL; from then on connections are refused. */
  async kill(names: readonly ServerName[]): Promise<void> {
    const killed = names.map(async (name) => {
      const server = this.servers[name];
      await server.running?.kill();
      server.running = null;
      server.paused = false;
    });
    await Promise.all(killed);
  }

  /** SIGSTOP; from then on connections are accepted by the kernel, and nothing answers. */
  pause(names: readonly ServerName[]): void {
    for (const name of names) {
      const server = this.servers[name];
      if (!server.running) continue;
      signalProcess(server.running.pid, 'SIGSTOP');
      server.paused = true;
    }
  }

  /** Everything runs again: what was paused goes on, what was killed is started. */
  async restore(): Promise<void> {
    const restored = Object.values(this.servers).map(async (server) => {
      if (server.running && server.paused) signalProcess(server.running.pid, 'SIGCONT');
      server.paused = false;
      server.running ??= await server.start(server.port);
      server.port = server.running.port;
      server.environment = server.running.environment ?? {};
    });
    await Promise.all(restored);
  }

  /** At once, for a run that is interrupted. */
  killNow(): void {
    for (const { running } of Object.values(this.servers)) {
      if (running) signalProcess(running.pid, 'SIGKILL');
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      Object.values(this.servers).map(async (server) => {
        if (server.running && server.paused) signalProcess(server.running.pid, 'SIGCONT');
        await server.running?.stop();
      }),
    );
  }
}

const KAFKA_SETTINGS = {
  'group.min.session.timeout.ms': '1000',
  // A broker that was killed is let in again when its session is over.
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '250',
  // Each schedule has topics of its own, which go when it is over.
  'log.segment.delete.delay.ms': '1000',
};
