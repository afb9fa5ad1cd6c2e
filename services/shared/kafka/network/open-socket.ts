import type { ISocketFactory } from 'kafkajs';
import Connection from 'kafkajs/src/network/connection.js';
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { WholeAnswers } from './whole-answers.ts';

const KEEP_ALIVE_MILLIS = 60_000;

/** The most that is read from the network at once. */
const READ_BYTES = 256 * 1024;

type TlsOptions = ConnectionOptions & { readonly onread: OnReadOpts };

/**
 * Opens the connections of kafkajs. By itself, kafkajs is given a buffer for each piece of an answer, and joins them: a
 * million records of 400 bytes take 1.2 GB in passing. Here all pieces are read into one buffer, and kafkajs is
 * given whole answers.
 */
export const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const answers = new WholeAnswers((bytes) => socket.emit('data', bytes));
  const buffer = new Uint8Array(READ_BYTES);
  const onread: OnReadOpts = {
    buffer,
    callback: (length) => {
      answers.take(buffer.subarray(0, length));
      return true;
    },
  };
  const where = { host, port, onread };
  const named = isIP(host) === 0 ? { servername: host } : {};
  // kafkajs gives false or nothing where TLS is off.
  const socket: Socket = (ssl as TlsOptions | false | undefined)
    ? connectTls({ ...where, ...named, ...ssl } as TlsOptions, onConnect)
    : connect(where, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MILLIS);
  return socket;
};

let isInstalled = false;

/**
 * Lets kafkajs take a whole answer as it is, for the entire process. kafkajs 2.2.4 keeps the empty rest of the answer
 * before, and copies the next answer to join the two.
 */
export const takeWholeAnswers = (): void => {
  if (isInstalled) return;
  isInstalled = true;
  const { processData } = Connection.prototype;
  Connection.prototype.processData = function (bytes) {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, bytes);
  };
};
