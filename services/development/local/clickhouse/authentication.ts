import { createHash, timingSafeEqual } from 'node:crypto';
import { ClickHouseException, CODES } from './exception.ts';

/** Who may use the server. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

const DEFAULT_USER = 'default';

const refused = (message: string): ClickHouseException =>
  new ClickHouseException(CODES.AUTHENTICATION_FAILED, message);

const basicLogin = (authorization: string): Login => {
  const [, encoded = ''] = /^basic +([\w+/=-]+) *$/i.exec(authorization) ?? [];
  const [, user, password] =
    /^([^:]*):([^]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  if (user === undefined || password === undefined) {
    throw refused('Authentication failed: of the Authorization header only Basic is understood');
  }
  return { user: user || DEFAULT_USER, password };
};

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const one = (headers: Headers, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};

/**
 * The login that a request brings in one of the three ways of the HTTP interface: the headers
 * X-ClickHouse-User and -Key, an Authorization header, the URL's `user` and `password`.
 * @throws ClickHouseException if it brings it in two ways
 */
export const givenLogin = (search: URLSearchParams, headers: Headers): Login => {
  const user = one(headers, 'x-clickhouse-user');
  const key = one(headers, 'x-clickhouse-key');
  const authorization = one(headers, 'authorization');
  const ways = [
    user !== null || key !== null,
    authorization !== null,
    search.has('user') || search.has('password'),
  ];
  if (ways.filter(Boolean).length > 1) {
    throw refused(
      'Authentication failed: user and password came in several ways, as X-ClickHouse headers, Authorization header or URL parameters: use one of them',
    );
  }
  if (authorization !== null) return basicLogin(authorization);
  return {
    user: (user ?? search.get('user')) || DEFAULT_USER,
    password: key ?? search.get('password') ?? '',
  };
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @throws ClickHouseException of AUTHENTICATION_FAILED, which never says what was wrong */
export const authenticate = (given: Login, expected: Login): void => {
  const isUser = timingSafeEqual(digest(given.user), digest(expected.user));
  const isPassword = timingSafeEqual(digest(given.password), digest(expected.password));
  if (isUser && isPassword) return;
  throw refused(
    `${given.user}: Authentication failed: password is incorrect, or there is no user with such name. User and password of the local ClickHouse are CLICKHOUSE_USER and CLICKHOUSE_PASSWORD in .local/stack.env`,
  );
};
