/** Parts of kafkajs 2.2.4 that it does not publish; `fetch/install.ts` and `produce/install.ts` say why we need them. */
declare module 'kafkajs/src/protocol/requests/fetch/index.js' {
  export interface FetchOptions {
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
