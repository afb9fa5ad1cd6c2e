import type { WindowAttributes } from '../window.ts';
import { emptyLayout, type EventLayout } from './event-layout.ts';
import { withRoom } from './growing.ts';

/** Writes the texts of an object as bytes, so that it can be used like an encoded event. */
export class EncodedEvent {
  bytes: Buffer = Buffer.allocUnsafeSlow(4096);
  readonly layout: EventLayout = emptyLayout();
  private at = 0;

  encode(event: WindowAttributes): void {
    const { layout } = this;
    this.at = 0;
    layout.subscriptionLength = this.put(event.subscriptionId);
    layout.subscription = this.at - layout.subscriptionLength;
    layout.meterLength = this.put(event.meterId);
    layout.meter = this.at - layout.meterLength;
    layout.resourceLength = this.put(event.resourceUri);
    layout.resource = this.at - layout.resourceLength;
    layout.locationLength = this.put(event.location);
    layout.location = this.at - layout.locationLength;
    layout.tagsLength = event.tags === null ? -1 : this.put(event.tags);
    layout.tags = this.at - Math.max(0, layout.tagsLength);
    layout.additionalInfoLength =
      event.additionalInfo === null ? -1 : this.put(event.additionalInfo);
    layout.additionalInfo = this.at - Math.max(0, layout.additionalInfoLength);
  }

  private put(text: string): number {
    this.bytes = withRoom(this.bytes, this.at, text.length * 3);
    const length = this.bytes.write(text, this.at, 'utf8');
    this.at += length;
    return length;
  }
}
