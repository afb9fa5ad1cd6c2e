import utils, { type ReadLong } from 'avsc/lib/utils.js';

/** The most bytes that a number of 64 bits takes. */
const MAX_BYTES = 10;

const reader = utils.Tap.prototype;
const readAnyLong = reader.readLong;

/**
 * avsc 5.7.9 reads a number as long as its bytes go on. One of some 150 bytes becomes NaN, and as the length
 * of bytes it breaks the pool from which avsc takes the memory of what it reads: every later event of the
 * process would have an empty id and quantity. So a number ends after ten bytes here, in this whole process;
 * a datum with a longer one is read as one that is cut short.
 */
const readStrictLong: ReadLong = function () {
  const { buf, pos } = this;
  for (let at = pos; at < buf.length && at < pos + MAX_BYTES; at++) {
    if ((buf[at] ?? 0) < 0x80) return readAnyLong.call(this);
  }
  this.pos = buf.length + 1; // how avsc marks that there is nothing more
  return 0;
};

reader.readLong = readStrictLong;
reader.readInt = readStrictLong;
