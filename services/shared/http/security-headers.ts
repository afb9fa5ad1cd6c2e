/**
 * What every answer tells a browser: to trust its content type, to show it in no frame, to load nothing for
 * it, and to give it to no page of another origin. A page lists in its own `content-security-policy` what
 * it loads.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};
