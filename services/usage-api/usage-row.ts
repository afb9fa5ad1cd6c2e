import { offsetText } from '../shared/model/instance-data.ts';
import { millis } from '../shared/model/time.ts';
import type { JsonBytes } from './json-bytes.ts';
import { TEXT_FIELDS, type StoredRows } from './stored-rows.ts';

/** A row as recorded from Azure Stack Hub, including the order of its fields. */
export interface UsageAggregateResource {
  /** The id of a resource of the caller; the user's subscription is in the name. */
  readonly id: string;
  readonly name: string;
  readonly type: 'Microsoft.Commerce/UsageAggregate';
  readonly properties: {
    readonly subscriptionId: string;
    readonly usageStartTime: string;
    readonly usageEndTime: string;
    /** JSON as text. */
    readonly instanceData: string;
    readonly quantity: number;
    readonly meterId: string;
    readonly name: string;
  };
}

const secondsText = (seconds: number): string => offsetText(millis(seconds * 1000));

/** A function that keeps its last result: most rows have the times of the row before, and writing a date takes long. */
const keepingLast = (textOf: (value: number) => string): ((value: number) => string) => {
  let last = 0;
  let text = textOf(last);
  return (value) => {
    if (value !== last) [last, text] = [value, textOf(value)];
    return text;
  };
};

const startText = keepingLast(secondsText);
const endText = keepingLast(secondsText);

const bytesOf = (json: string): Uint8Array => Buffer.from(json);

const NAME = bytesOf('","name":"');
const DASH = bytesOf('-');
const TYPE = bytesOf(
  '","type":"Microsoft.Commerce/UsageAggregate","properties":{"subscriptionId":"',
);
const START = bytesOf('","usageStartTime":"');
const END = bytesOf('","usageEndTime":"');
const METER = bytesOf(',"meterId":"');
const LAST = bytesOf('"}}');
// Within `instanceData`, which is JSON as text.
const RESOURCE = bytesOf('","instanceData":"{\\"Microsoft.Resources\\":{\\"resourceUri\\":');
const LOCATION = bytesOf(',\\"location\\":');
const TAGS = bytesOf(',\\"tags\\":');
const ADDITIONAL_INFO = bytesOf(',\\"additionalInfo\\":');
const QUANTITY = bytesOf('}}","quantity":');
const INNER_QUOTE = bytesOf('\\"');
const NULL = bytesOf('null');

/** Writes rows as the JSON of a `UsageAggregateResource`: a page has a thousand of them. */
export class ResourceWriter {
  private readonly json: JsonBytes;
  private readonly rows: StoredRows;
  private readonly id: Uint8Array;

  /** @param caller the subscription in the path */
  constructor(json: JsonBytes, rows: StoredRows, caller: string) {
    this.json = json;
    this.rows = rows;
    const path = `/subscriptions/${caller}/providers/Microsoft.Commerce/UsageAggregate/`;
    this.id = bytesOf(`{"id":${JSON.stringify(path).slice(0, -1)}`);
  }

  /** Writes the row at which the rows are. */
  write(): void {
    const { json, rows } = this;
    json.raw(this.id);
    const nameStart = json.at;
    this.text(TEXT_FIELDS.subscriptionId);
    json.raw(DASH);
    this.text(TEXT_FIELDS.meterId);
    const nameEnd = json.at;
    json.raw(NAME);
    json.again(nameStart, nameEnd);
    json.raw(TYPE);
    this.text(TEXT_FIELDS.subscriptionId);
    json.raw(START);
    json.string(startText(rows.usageStart));
    json.raw(END);
    json.string(endText(rows.usageEnd));
    this.instanceData();
    // Parsing decimal text gives the nearest double.
    json.string(String(Number(rows.quantity)));
    json.raw(METER);
    this.text(TEXT_FIELDS.meterId);
    json.raw(NAME);
    json.again(nameStart, nameEnd);
    json.raw(LAST);
  }

  private instanceData(): void {
    const { json } = this;
    json.raw(RESOURCE);
    this.inner(TEXT_FIELDS.resourceUri);
    json.raw(LOCATION);
    this.inner(TEXT_FIELDS.location);
    json.raw(TAGS);
    this.inner(TEXT_FIELDS.tags);
    json.raw(ADDITIONAL_INFO);
    this.inner(TEXT_FIELDS.additionalInfo);
    json.raw(QUANTITY);
  }

  private text(field: number): void {
    const { json, rows } = this;
    json.text(rows.bytes, rows.start(field), rows.end(field), 1);
  }

  private inner(field: number): void {
    const { json, rows } = this;
    if (rows.start(field) < 0) {
      json.raw(NULL);
      return;
    }
    json.raw(INNER_QUOTE);
    json.text(rows.bytes, rows.start(field), rows.end(field), 2);
    json.raw(INNER_QUOTE);
  }
}
