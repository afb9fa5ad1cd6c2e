import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** A way to a broker that loses answers when it is told to, as a network does that breaks in the wrong moment. */
export class LossyProxy {
  readonly port: number;
  /** How many connections were cut after the broker had answered. */
  cut = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private toCut = 0;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  /** Its own port is another one, which the broker must name as its address. */
  static async open(brokerPort: number): Promise<LossyProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new LossyProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.join(client, connect(brokerPort, '127.0.0.1')));
    return proxy;
  }

  /** The next so many answers of at least so many bytes after a request as long are lost. */
  loseAnswers(count: number): void {
    this.toCut = count;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket, broker: Socket): void {
    let requestBytes = 0;
    const end = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.sockets.delete(socket);
        end();
      });
    }
    client.on('data', (bytes) => {
      requestBytes += bytes.length;
      broker.write(bytes);
    });
    broker.on('data', (bytes) => {
      // Only what is answered to a batch of records: everything else that a client asks is shorter.
      const isAppended = requestBytes > LONG_REQUEST;
      requestBytes = 0;
      if (isAppended && this.toCut > 0) {
        this.toCut--;
        this.cut++;
        end();
      } else {
        client.write(bytes);
      }
    });
  }
}

/** In bytes: longer than a request for metadata or a producer's id. */
const LONG_REQUEST = 600;
