import type { FoldForm, Ledger } from '../fold.ts';
import { PackedLedger } from './packed-ledger.ts';
import { PackedWindows } from './packed-windows.ts';

const packed = (ledger: Ledger): PackedLedger => {
  if (!(ledger instanceof PackedLedger)) throw new Error('the ledger is not packed');
  return ledger;
};

/** Events and windows in arrays and in ClickHouse's rows, without an object for each. */
export const PACKED: FoldForm = {
  ledger: (place) => new PackedLedger(place),
  take: (ledger) => ({ rows: packed(ledger).take(), next: ledger }),
  apart: (before) => packed(before).next(),
  windows: (place, hour, stored) => new PackedWindows(place, hour, stored),
  windowsBehind: (before, place, hour) =>
    before instanceof PackedWindows ? before.next(hour) : new PackedWindows(place, hour),
};
