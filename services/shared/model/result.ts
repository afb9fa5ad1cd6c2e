/**
 * A value, or why there is none: what every function returns whose caller must handle a failure that is
 * expected. Three or more outcomes are a union told apart by `kind`. `null` says only that there is
 * none, never why.
 */
export type Result<T, E> = Success<T> | Failed<E>;

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Failed<E> {
  readonly ok: false;
  /** Why there is no value: a text for people, or what has a stable code. */
  readonly error: E;
}

export const succeed = <T>(value: T): Success<T> => ({ ok: true, value });

export const fail = <E>(error: E): Failed<E> => ({ ok: false, error });
