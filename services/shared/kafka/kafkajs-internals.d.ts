/** Parts of kafkajs 2.2.4 that it does not publish; `fetch/install.ts`, `produce/install.ts` and `request-timer.ts` say why we need them. */
declare module 'kafkajs/src/protocol/requests/fetch/index.js' {
  export interface FetchOptions {
    /** Milliseconds. */
    readonly maxWaitTime: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly fetchOffset: string | number;
      }[];
    }[];
  }
  interface Request {
    readonly response: { readonly decode: (bytes: Buffer) => Promise<unknown> };
  }
  const fetch: {
    protocol: (given: { readonly version: number }) => (options: FetchOptions) => Request;
  };
  export default fetch;
}

declare module 'kafkajs/src/protocol/requests/produce/index.js' {
  import type { Message } from 'kafkajs';

  export interface ProduceOptions {
    readonly acks: number;
    /** Milliseconds. */
    readonly timeout: number;
    /** Only of an idempotent producer. A number of 64 bits. */
    readonly producerId?: { toString(): string };
    readonly producerEpoch?: number;
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly messages: readonly Message[];
      }[];
    }[];
  }
  interface Request {
    readonly request: { readonly encode: () => Promise<unknown> };
  }
  const produce: {
    protocol: (given: { readonly version: number }) => (options: ProduceOptions) => Request;
  };
  export default produce;
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: { readonly createErrorFromCode: (code: number) => { readonly type?: string } };
  export default errors;
}

declare module 'kafkajs/src/consumer/batch.js' {
  import type { Batch } from 'kafkajs';

  const KafkaJsBatch: new (topic: string, fetchedOffset: string, partition: object) => Batch;
  export default KafkaJsBatch;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  interface Entry {
    readonly correlationId: number;
    readonly resolve?: (answer: unknown) => void;
    readonly reject?: (error: Error) => void;
  }
  class RequestQueue {
    constructor(options: {
      readonly maxInFlightRequests: number | null;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly clientId: string;
      readonly broker: string;
      readonly logger: { readonly debug: () => void; readonly warn: () => void };
    });
    pending: readonly unknown[];
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    push(request: {
      readonly entry: Entry;
      readonly expectResponse: boolean;
      readonly sendRequest: () => void;
    }): void;
    fulfillRequest(answer: {
      readonly correlationId: number;
      readonly payload: unknown;
      readonly size: number;
    }): void;
    maybeThrottle(millis: number): void;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  export default RequestQueue;
}

declare module 'kafkajs/src/network/connection.js' {
  class Connection {
    chunks: Buffer[];
    bytesBuffered: number;
    processData: (this: Connection, bytes: Buffer) => void;
  }
  export default Connection;
}
