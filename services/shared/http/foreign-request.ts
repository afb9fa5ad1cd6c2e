import { isIP } from 'node:net';
import { isLoopback, parseHost, type HostAndPort } from './host-name.ts';

/**
 * Which requests a listener accepts. A browser lets any web page send requests to this machine, and DNS
 * lets any page's name point to it. So a listener on loopback can be reached by strangers too.
 */
export interface ListenerRules {
  /** The address that the server listens on, or its name. */
  readonly listenHost: string;
  /** Further host names by which callers may address it: those of a proxy in front of it. Lower case. */
  readonly allowedHosts: readonly string[];
  /**
   * Whether a link on another site may lead here, as to a page that a person opens. Must be false if a GET
   * does more than show something.
   */
  readonly linksFromElsewhere: boolean;
}

/** The parts of a request that are needed. Node's own request has them. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as they arrived. They show headers that were sent twice. */
  readonly rawHeaders?: readonly string[];
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 400 | 403 | 421;
  readonly message: string;
}

/**
 * Null for a request that may be processed. The rules, in this order:
 *
 * | what a request says of itself                        | answer                               |
 * |------------------------------------------------------|--------------------------------------|
 * | no `Host`, two of them, one that is none             | 400                                  |
 * | a whole URL instead of a path                        | 400: it would have a host of its own |
 * | a `Host` that is not this listener's                 | 421                                  |
 * | an `Origin` other than the `Host`, nor an allowed one| 403                                  |
 * | none, and `Sec-Fetch-Site` says another site         | 403, but for a person who follows a  |
 * |                                                      | link, where these may lead here      |
 *
 * Programs send neither of the last two headers, and browsers let no page forge them.
 */
export const refuseForeign = (head: RequestHead, rules: ListenerRules): Refusal | null => {
  if (countOf(head, 'host') > 1) return badRequest('A request has one Host header.');
  const host = parseHost(one(head, 'host') ?? '');
  if (host === null) return badRequest('The Host header is missing or does not name a host.');
  if (head.url !== undefined && !head.url.startsWith('/') && head.url !== '*') {
    return badRequest('The request must name a path, such as "/", and not a complete URL.');
  }
  if (!isOwnHost(host, rules)) {
    return {
      status: 421,
      message: `Nothing is served here under the name '${host.text}'. Use ${addressOf(rules)}. If the name is right, for example behind a proxy, add it to HTTP_ALLOWED_HOSTS.`,
    };
  }
  const origin = one(head, 'origin');
  if (origin !== undefined) {
    return isOwnOrigin(origin, host, rules)
      ? null
      : forbidden(
          'The request comes from a web page of another origin. If that page may call this service, add its host to HTTP_ALLOWED_HOSTS.',
        );
  }
  const site = one(head, 'sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return null;
  return rules.linksFromElsewhere && isFollowedLink(head)
    ? null
    : forbidden('The request comes from a web page of another site.');
};

const badRequest = (message: string): Refusal => ({ status: 400, message });

const forbidden = (message: string): Refusal => ({ status: 403, message });

/** A name that resolves to loopback today may belong to anybody. An address is not resolved at all. */
const isOwnHost = ({ name }: HostAndPort, { listenHost, allowedHosts }: ListenerRules): boolean =>
  isLoopback(name) || allowedHosts.includes(name) || (!isLoopback(listenHost) && isIP(name) !== 0);

/** A page from another port of this machine is as foreign as any other. */
const isOwnOrigin = (
  origin: string,
  host: HostAndPort,
  { allowedHosts }: ListenerRules,
): boolean => {
  const [, authority = ''] = /^https?:\/\/(.+)$/i.exec(origin) ?? [];
  const from = parseHost(authority);
  return from !== null && (from.text === host.text || allowedHosts.includes(from.name));
};

const isFollowedLink = (head: RequestHead): boolean =>
  (head.method === 'GET' || head.method === 'HEAD') &&
  one(head, 'sec-fetch-mode') === 'navigate' &&
  one(head, 'sec-fetch-dest') === 'document';

const addressOf = ({ listenHost, allowedHosts }: ListenerRules): string =>
  isLoopback(listenHost)
    ? [...new Set(['127.0.0.1', 'localhost', '[::1]', ...allowedHosts])].join(', ')
    : ['its IP address', ...allowedHosts].join(', ');

const one = ({ headers }: RequestHead, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(', ');
};

/** If a header is sent twice, Node keeps the first one. */
const countOf = ({ rawHeaders = [] }: RequestHead, name: string): number =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;
