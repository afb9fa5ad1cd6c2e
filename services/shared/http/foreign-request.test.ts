import { refuseForeign, type ListenerRules, type RequestHead } from './foreign-request.ts';

const RULES: ListenerRules = {
  listenHost: '127.0.0.1',
  allowedHosts: ['usage.example.com'],
  linksFromElsewhere: true,
};

const GET: RequestHead = { method: 'GET', url: '/', headers: { host: '127.0.0.1:8080' } };

const get = (headers: RequestHead['headers'], rules: ListenerRules = RULES) =>
  refuseForeign({ ...GET, headers: { ...GET.headers, ...headers } }, rules);

describe('the Host', () => {
  test.each([
    '127.0.0.1:8080',
    '127.0.0.1',
    '127.9.9.9:1',
    'localhost:8080',
    'LOCALHOST',
    '[::1]:8080',
    'usage.example.com',
    'Usage.Example.com:443',
  ])('%s is taken', (host) => {
    expect(get({ host })).toBeNull();
  });

  test.each([
    'rebound.example:8080',
    'localhost.example',
    '127.0.0.1.example',
    'notlocalhost',
    'other.usage.example.com',
    '0.0.0.0:8080',
    '192.168.0.5:8080',
    '[fe80::1]:8080',
  ])('%s is refused on loopback, and the setting is named', (host) => {
    const refusal = get({ host });
    expect(refusal?.status).toBe(421);
    expect(refusal?.message).toContain(`'${host}'`);
    expect(refusal?.message).toContain('localhost');
    expect(refusal?.message).toContain('HTTP_ALLOWED_HOSTS');
  });

  test.each([
    '',
    'a b',
    'localhost:8080@evil.example',
    'evil.example/localhost',
    'localhost:',
    'localhost, evil.example',
    '[::1',
    '[:::1]',
    'localhost<script>',
  ])('"%s" is none, and not repeated', (host) => {
    expect(get({ host })).toEqual({
      status: 400,
      message: 'The Host header is missing or does not name a host.',
    });
  });

  test('none at all is refused', () => {
    expect(refuseForeign({ ...GET, headers: {} }, RULES)?.status).toBe(400);
  });

  test('two are refused, of which Node shows the first one only', () => {
    const rawHeaders = ['Host', '127.0.0.1:8080', 'host', 'evil.example'];
    expect(refuseForeign({ ...GET, rawHeaders }, RULES)?.status).toBe(400);
    const values = ['Host', '127.0.0.1:8080', 'x-name', 'host'];
    expect(refuseForeign({ ...GET, rawHeaders: values }, RULES)).toBeNull();
  });

  test('a whole URL is refused, whose host would count instead', () => {
    expect(refuseForeign({ ...GET, url: 'http://evil.example/' }, RULES)?.status).toBe(400);
  });

  test('beyond loopback any address is taken, and no name but those that are allowed', () => {
    const rules = { ...RULES, listenHost: '0.0.0.0' };
    expect(get({ host: '192.168.0.5:8081' }, rules)).toBeNull();
    expect(get({ host: '[fe80::1]:8081' }, rules)).toBeNull();
    expect(get({ host: 'usage.example.com' }, rules)).toBeNull();
    expect(get({ host: 'rebound.example' }, rules)?.status).toBe(421);
  });
});

describe('the Origin', () => {
  test.each(['http://127.0.0.1:8080', 'https://127.0.0.1:8080', 'https://usage.example.com'])(
    '%s may call',
    (origin) => {
      expect(get({ origin })).toBeNull();
    },
  );

  test.each([
    'http://evil.example',
    'null',
    'http://127.0.0.1:3000',
    'http://localhost:8080',
    'https://usage.example.com.evil.example',
    'file://',
    'chrome-extension://abc',
    '',
  ])('"%s" may not, whatever is asked for', (origin) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const headers = { ...GET.headers, origin };
      expect(refuseForeign({ ...GET, method, headers }, RULES)?.status).toBe(403);
    }
  });

  test('it is looked at before Sec-Fetch-Site: a page of an allowed host is of another site', () => {
    const origin = 'https://usage.example.com';
    expect(get({ origin, 'sec-fetch-site': 'cross-site' })).toBeNull();
    expect(get({ origin: 'null', 'sec-fetch-site': 'same-origin' })?.status).toBe(403);
  });
});

describe('Sec-Fetch-Site', () => {
  const LINK = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

  test.each(['same-origin', 'none'])('%s is no other site', (site) => {
    expect(get({ 'sec-fetch-site': site })).toBeNull();
  });

  test.each(['cross-site', 'same-site', 'anything'])('%s is refused', (site) => {
    expect(get({ 'sec-fetch-site': site })?.status).toBe(403);
    const image = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    expect(get({ 'sec-fetch-site': site, ...image })?.status).toBe(403);
    const frame = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    expect(get({ 'sec-fetch-site': site, ...frame })?.status).toBe(403);
  });

  test('a link on another site leads to a page, but not where a GET does more than to show', () => {
    const headers = { 'sec-fetch-site': 'cross-site', ...LINK };
    expect(get(headers)).toBeNull();
    expect(get(headers, { ...RULES, linksFromElsewhere: false })?.status).toBe(403);
  });

  test('a form on another site is no link', () => {
    const headers = { ...GET.headers, 'sec-fetch-site': 'cross-site', ...LINK };
    expect(refuseForeign({ ...GET, method: 'POST', headers }, RULES)?.status).toBe(403);
  });
});
