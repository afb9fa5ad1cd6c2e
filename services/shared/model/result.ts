/**
 * A value, or why there is none. Every function whose caller must handle an expected failure returns it.
 * Three or more outcomes are a union with the discriminator `kind`. `null` says only that there is no
 * value, never why.
 */
export type Result<T, E> = Success<T> | Failed<E>;

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Failed<E> {
  readonly ok: false;
  /** Why there is no value: a text for people, or an object with a stable code. */
  readonly error: E;
}

export const succeed = <T>(value: T): Success<T> => ({ ok: true, value });

export const fail = <E>(error: E): Failed<E> => ({ ok: false, error });
