import Connection from 'kafkajs/src/network/connection.js';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { openSocket, takeWholeAnswers } from './open-socket.ts';

let server: Server;
let sockets: Socket[];
beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const opened = async (): Promise<Socket> => {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const socket: Socket = openSocket({
      host: '127.0.0.1',
      port,
      ssl: undefined as never,
      onConnect: () => resolve(socket),
    });
    sockets.push(socket);
  });
};

test('a socket gives whole answers, and ends with the connection', async () => {
  const socket = await opened();
  const given: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => given.push(bytes));
  const answer = Buffer.alloc(3_000_004, 'x');
  answer.writeUInt32BE(3_000_000);
  const ended = once(socket, 'end');
  const [other] = sockets.filter((each) => each !== socket);
  for (let at = 0; at < answer.length; at += 500_000)
    other?.write(answer.subarray(at, at + 500_000));
  other?.end();
  await ended;
  expect(given.map(({ length }) => length)).toEqual([3_000_004]);
  expect(given[0]?.equals(answer)).toBe(true);
});

test('kafkajs takes a whole answer without a copy', () => {
  takeWholeAnswers();
  const payloads: Buffer[] = [];
  const connection = Object.assign(Object.create(Connection.prototype) as Connection, {
    chunks: [],
    bytesBuffered: 0,
    bytesNeeded: 4,
    authHandlers: null,
    requestQueue: { fulfillRequest: ({ payload }: { payload: Buffer }) => payloads.push(payload) },
  });
  const answers = [1, 2].map((correlationId) => {
    const answer = Buffer.alloc(12);
    answer.writeUInt32BE(8);
    answer.writeUInt32BE(correlationId, 4);
    return answer;
  });
  for (const answer of answers) connection.processData(answer);
  expect(payloads.map(({ length }) => length)).toEqual([4, 4]);
  expect(payloads.map(({ buffer }) => buffer)).toEqual(answers.map(({ buffer }) => buffer));
  payloads[1]?.fill(7);
  expect(answers[1]?.subarray(8)).toEqual(Buffer.alloc(4, 7));
});
