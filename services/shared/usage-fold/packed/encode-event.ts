import { ATTRIBUTES, IDENTITY, type EventTexts, type Identity } from '../../model/event-texts.ts';
import { emptyLayout, type EventLayout, type TextPlaces } from './event-layout.ts';
import { withRoom } from './growing.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/** Writes the texts of an object as bytes, so that it can be used like an encoded event. */
export class EncodedEvent {
  readonly source = new ViewedBytes(Buffer.allocUnsafeSlow(4096));
  readonly layout: EventLayout = emptyLayout();
  private at = 0;

  encode(event: EventTexts): void {
    this.encodeIdentity(event);
    ATTRIBUTES.forEach(({ name }, n) => {
      this.put(this.layout.attributes, n, event[name]);
    });
  }

  /** Writes subscription, meter and resource alone. */
  encodeIdentity(identity: Identity): void {
    this.at = 0;
    IDENTITY.forEach(({ name }, n) => {
      this.put(this.layout.identity, n, identity[name]);
    });
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
