import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Holds up ClickHouse statements that read from `table` for as long as a test wants. */
export interface Gate {
  /** A table expression: one row, `1, 'a'`, of columns `a UInt32, s String`. */
  readonly table: string;
  /** Resolves when so many statements wait at the gate at the same time. */
  crowd(size: number): Promise<void>;
  /** Lets those pass that wait, and all that come later. */
  letPass(): void;
  close(): void;
}

export const openGate = async (): Promise<Gate> => {
  const waiting: ServerResponse[] = [];
  const crowds: { readonly size: number; readonly reached: () => void }[] = [];
  let isOpen = false;
  const tell = (): void => {
    for (const { size, reached } of crowds) if (waiting.length >= size) reached();
  };
  const server = createServer((_, response) => {
    if (isOpen) response.end('1,a\n');
    else waiting.push(response);
    tell();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    table: `url('http://127.0.0.1:${String(port)}/', 'CSV', 'a UInt32, s String')`,
    crowd: (size) =>
      new Promise((reached) => {
        crowds.push({ size, reached });
        tell();
      }),
    letPass: () => {
      isOpen = true;
      for (const response of waiting) response.end('1,a\n');
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
