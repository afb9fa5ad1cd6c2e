import type { WindowAttributes } from '../window.ts';
import {
  ADDITIONAL_INFO,
  emptyLayout,
  LOCATION,
  METER,
  RESOURCE,
  SUBSCRIPTION,
  TAGS,
  type EventLayout,
  type TextPlaces,
} from './event-layout.ts';
import { withRoom } from './growing.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/** Writes the texts of an object as bytes, so that it can be used like an encoded event. */
export class EncodedEvent {
  readonly source = new ViewedBytes(Buffer.allocUnsafeSlow(4096));
  readonly layout: EventLayout = emptyLayout();
  private at = 0;

  encode(event: WindowAttributes): void {
    const { identity, attributes } = this.layout;
    this.at = 0;
    this.put(identity, SUBSCRIPTION, event.subscriptionId);
    this.put(identity, METER, event.meterId);
    this.put(identity, RESOURCE, event.resourceUri);
    this.put(attributes, LOCATION, event.location);
    this.put(attributes, TAGS, event.tags);
    this.put(attributes, ADDITIONAL_INFO, event.additionalInfo);
  }

  private put(places: TextPlaces, text: number, value: string | null): void {
    const { source, at } = this;
    source.set(withRoom(source.bytes, at, (value?.length ?? 0) * 3));
    const length = value === null ? -1 : source.bytes.write(value, at, 'utf8');
    places[text * 2] = at;
    places[text * 2 + 1] = length;
    this.at += Math.max(0, length);
  }
}
