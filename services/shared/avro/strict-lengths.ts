import utils, { type ReadLong } from 'avsc/lib/utils.js';

/** The most bytes that a 64-bit number takes. */
const MAX_BYTES = 10;

const reader = utils.Tap.prototype;
const readAnyLong = reader.readLong;

/**
 * avsc 5.7.9 puts no limit on the bytes of a number. A number of some 150 bytes becomes NaN. As a length,
 * it breaks the pool from which avsc allocates memory: every later event of the process would have an empty
 * id and quantity. So a number ends after ten bytes here, in the entire process. A datum with a longer
 * number is read as one that is cut short.
 */
const readStrictLong: ReadLong = function () {
  const { buf, pos } = this;
  for (let at = pos; at < buf.length && at < pos + MAX_BYTES; at++) {
    if ((buf[at] ?? 0) < 0x80) return readAnyLong.call(this);
  }
  this.pos = buf.length + 1; // how avsc marks the end of the data
  return 0;
};

reader.readLong = readStrictLong;
reader.readInt = readStrictLong;
