/** Something that a reader could see, or that the store holds in the end, and must not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export const violated = (what: string): never => {
  throw new Violation(what);
};
