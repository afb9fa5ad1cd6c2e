import { isIP } from 'node:net';

/** What a `Host` header or an origin names. */
export interface HostAndPort {
  /** Lower case; an IPv6 address without its brackets. */
  readonly name: string;
  /** As it was written, lower case, for comparing and for links: `[::1]:8080`. */
  readonly text: string;
}

const HOST = /^(?:([a-z\d](?:[a-z\d._-]{0,251}[a-z\d])?)|\[([\da-f:.]{2,45})\])(?::\d{1,5})?$/;

/** Reads `name`, `name:port`, `[address]:port`; null for anything else. */
export const parseHost = (given: string): HostAndPort | null => {
  const text = given.toLowerCase();
  const [, name, address] = HOST.exec(text) ?? [];
  if (address !== undefined) return isIP(address) === 6 ? { name: address, text } : null;
  return name === undefined ? null : { name, text };
};

/** Whether a name or address always means the machine that uses it. */
export const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));

/** Whether a URL leads to the machine that uses it. */
export const leadsToLoopback = ({ hostname }: URL): boolean =>
  isLoopback(hostname.replace(/^\[|\]$/g, ''));
