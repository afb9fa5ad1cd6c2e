import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { checkPort, freePort } from './port.ts';

test('a free port can be listened on', async () => {
  const port = await freePort();
  await expect(checkPort('X', port, 'X_PORT')).resolves.toBeUndefined();
});

test('a busy port is named, with the setting that changes it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(checkPort('Kafka', port, 'KAFKA_PORT')).rejects.toThrow(
    `Kafka cannot listen on 127.0.0.1:${String(port)}, the port is in use: stop what listens there, or set KAFKA_PORT to another port.`,
  );
  server.close();
});
