// A real OpenID provider (npm: oidc-provider) on a free port of this machine, and what can be made to go wrong with it.
// The first line of its output is {"port": …}. Arguments: a JSON object with `redirect` (the client's redirect URI) and
// optionally `authentication` (how the client shows its secret) and `claimsInUserInfo` (true: the ID token has no more
// than it must).
//
// PUT /meddle takes what is to go wrong from then on, replacing what was:
//   id_token: {claims, remove, alg, key}   the ID token is signed again: with changed claims, by "none" or "HS256" (with
//                                          the client's secret), by a key that is not published ("foreign"), or by one
//                                          that the key set names since "rotated"
//   token, jwks, discovery, userinfo       "down" (500), "hang", "huge" (10 MiB), "redirect", or an object whose fields
//                                          replace those of the answer
//   rotated: true                          the key set has the second key alone
// GET /meddle tells how often each path has been asked.

import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

console.info = console.warn = () => {}; // Reminders that this is no provider for production.
const { Provider } = await import('oidc-provider');

const options = JSON.parse(process.argv[2]);
const CLIENT = { id: 'samvad', secret: 'secret-of-the-client-0123456789abcdef' };
const PEOPLE = {
  asha: { name: 'Asha Rao', groups: ['staff', 'samvad-admins'] },
  vikram: { name: 'Vikram', groups: ['staff'] },
  nobody: { name: 'No Role', groups: ['unheard-of-group'] },
  groupless: { name: 'No Groups' },
};

// Made when first asked for: it takes a while.
const keys = {};
function key(kid) {
  if (!keys[kid]) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    keys[kid] = { kid, privateKey, jwk: { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } };
  }
  return keys[kid];
}
const publicPart = ({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg });

let meddle = {};
const asked = {};

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signedAgain(token, { claims = {}, remove = [], alg = 'RS256', key: name = 'own' }) {
  const payload = { ...JSON.parse(Buffer.from(token.split('.')[1], 'base64url')), ...claims };
  for (const claim of remove) delete payload[claim];
  const signer = key(name);
  // A foreign key under the name of the published one: only the signature tells.
  const kid = name === 'foreign' ? 'own' : signer.kid;
  const input = `${base64url(alg === 'RS256' ? { alg, kid } : { alg })}.${base64url(payload)}`;
  if (alg === 'none') return `${input}.`;
  if (alg === 'HS256') return `${input}.${createHmac('sha256', CLIENT.secret).update(input).digest('base64url')}`;
  return `${input}.${createSign('sha256').update(input).sign(signer.privateKey, 'base64url')}`;
}

// What becomes of an answer's JSON.
function meddled(path, answer) {
  if (path === '/jwks' && meddle.rotated) return { keys: [publicPart(key('next').jwk)] };
  if (path === '/token' && answer.id_token && meddle.id_token) {
    answer = { ...answer, id_token: signedAgain(answer.id_token, meddle.id_token) };
  }
  const patch = meddle[path === '/me' ? 'userinfo' : path.includes('openid-configuration') ? 'discovery' : path.slice(1)];
  return typeof patch === 'object' ? { ...answer, ...patch } : answer;
}

const FAULTS = {
  down: (res) => res.writeHead(500, { 'content-type': 'text/plain' }).end('canary: something broke'),
  hang: () => {},
  huge: (res) => res.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(10 * 1024 * 1024)}"`),
  redirect: (res) => res.writeHead(307, { location: '/elsewhere' }).end(),
};

const server = createServer((req, res) => {
  const path = new URL(req.url, 'http://localhost').pathname;
  if (path === '/meddle') {
    if (req.method === 'GET') return res.end(JSON.stringify(asked));
    let body = '';
    req.on('data', (chunk) => { body += chunk; });
    return req.on('end', () => { meddle = JSON.parse(body); res.end(); });
  }
  asked[path] = (asked[path] ?? 0) + 1;
  const name = { '/token': 'token', '/jwks': 'jwks', '/me': 'userinfo', '/.well-known/openid-configuration': 'discovery' }[path];
  if (name && typeof meddle[name] === 'string') return FAULTS[meddle[name]](res);
  if (name) {
    const end = res.end.bind(res);
    res.end = (body) => {
      if (!String(res.getHeader('content-type')).includes('json')) return end(body);
      const changed = JSON.stringify(meddled(path, JSON.parse(body)));
      res.setHeader('content-length', Buffer.byteLength(changed));
      return end(changed);
    };
  }
  return callback(req, res);
});

let callback;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [options.redirect],
      token_endpoint_auth_method: options.authentication ?? 'client_secret_basic',
    }],
    ...(options.authentication && { clientAuthMethods: [options.authentication] }),
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: options.claimsInUserInfo ?? false,
    cookies: { keys: ['only for tests'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true, ...PEOPLE[id] }),
    }),
    jwks: { keys: [key('own').jwk] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
  callback = provider.callback();
  console.log(JSON.stringify({ port }));
});

// The test that started it has ended.
process.stdin.on('end', () => process.exit(0)).resume();
