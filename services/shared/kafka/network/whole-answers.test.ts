import fc from 'fast-check';
import { WholeAnswers } from './whole-answers.ts';

const answerOf = (body: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  return Buffer.concat([size, body]);
};

/** Gives bytes in pieces that end at these places, always in the same memory, as a socket does. */
const taken = (bytes: Buffer, ends: readonly number[]): readonly Buffer[] => {
  const given: Buffer[] = [];
  const answers = new WholeAnswers((answer) => given.push(answer));
  const memory = new Uint8Array(bytes.length);
  let from = 0;
  for (const end of [...new Set(ends), bytes.length].sort((a, b) => a - b)) {
    memory.set(bytes.subarray(from, end));
    answers.take(memory.subarray(0, end - from));
    from = end;
  }
  return given;
};

test('answers are given whole, however they come', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.nat(150)),
      (bodies, places) => {
        const answers = bodies.map(answerOf);
        const bytes = Buffer.concat(answers);
        const ends = places.filter((place) => place <= bytes.length);
        expect(taken(bytes, ends)).toEqual(answers);
      },
    ),
  );
});

test('what says that it is larger than any answer is handed on as it comes, and takes no memory', () => {
  // The begin of an answer of a web server, which is no broker.
  const bytes = Buffer.from('HTTP/1.1 400 Bad Request');
  expect(Buffer.concat(taken(bytes, [2, 9]))).toEqual(bytes);
});

test('after an answer without a body comes the next one', () => {
  const bytes = Buffer.concat([answerOf(Buffer.alloc(0)), answerOf(Buffer.from('next'))]);
  expect(taken(bytes, []).map(String)).toEqual(['\0\0\0\0', '\0\0\0\u0004next']);
});
