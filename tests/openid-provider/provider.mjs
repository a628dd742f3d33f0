// An OpenID provider for tests: the library oidc-provider on a free port of this machine, with people who sign in by
// its authorization code flow, over HTTP.
//
//     node provider.mjs FOLDER      FOLDER has the node_modules with oidc-provider
//
// The first line on standard output is {"issuer": ...}. From then on each line on standard input is an order, answered
// by one line: {"signIn": SUBJECT, "claims": {...}, "client": ID} by {"token": ...}, an ID token; {"sign": CLAIMS,
// "header": {...}, "key": "own" | "foreign"} by {"token": ...}, a token that the provider itself would never issue;
// {"rotate": true}, {"up": BOOLEAN} and {"fetches": true} by {"fetches": N}, how often the key set was asked for.
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Standard output is for answers.
console.info = console.error;
console.log = console.error;
const { Provider } = await import(pathToFileURL(`${process.argv[2]}/node_modules/oidc-provider/lib/index.js`));

const CALLBACK = 'https://map.example/callback';
const client = (id, algorithm) => ({
  client_id: id,
  client_secret: 'secret',
  redirect_uris: [CALLBACK],
  id_token_signed_response_alg: algorithm,
});
const people = new Map();
const foreign = newKey('RS256');
let keys;
let provider;
let fetches = 0;

function newKey(algorithm) {
  const pair = algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = pair.privateKey.export({ format: 'jwk' });
  return { algorithm, private: pair.privateKey, jwk: { ...jwk, alg: algorithm, use: 'sig', kid: randomUUID() } };
}

function renew() {
  keys = [newKey('RS256'), newKey('ES256')];
  provider = new Provider(issuer, {
    clients: [client('jmap', 'RS256'), client('another', 'RS256'), client('elliptic', 'ES256')],
    jwks: { keys: keys.map((key) => key.jwk) },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], groups: ['groups'] },
    // Clients of the code flow would ask for the claims at the user info endpoint; here they are in the token.
    conformIdTokenClaims: false,
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => false },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
  });
}

async function serve(request, response) {
  if (request.url.startsWith('/interaction/')) {
    // Whoever asks for the form is the person that the application has announced.
    const { params } = await provider.interactionDetails(request, response);
    const result = { login: { accountId: params.login_hint } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    return;
  }
  fetches += request.url === '/jwks';
  provider.callback()(request, response);
}

const server = createServer((request, response) => serve(request, response).catch((error) => {
  console.error(error);
  response.writeHead(500).end();
}));
const listen = (port) => new Promise((done) => server.listen(port, '127.0.0.1', done));
await listen(0);
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;
renew();

// A connection that was kept may be one that the server closed when it was down.
const ask = (place, options) => fetch(place, options).catch(() => fetch(place, options));

// Follows the flow as a browser does: redirects and cookies, until it is sent back to the application.
async function codeOf(subject, clientId) {
  const asked = { client_id: clientId, response_type: 'code', scope: 'openid profile groups', redirect_uri: CALLBACK };
  const query = new URLSearchParams({ ...asked, login_hint: subject, nonce: randomUUID() });
  const cookies = new Map();
  let place = `${issuer}/auth?${query}`;
  while (!place.startsWith(CALLBACK)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await ask(place, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    if (!next) throw new Error(`${answer.status} ${await answer.text()}`);
    place = new URL(next, place).href;
  }
  return new URL(place).searchParams.get('code');
}

async function signIn({ signIn: subject, claims, client: clientId }) {
  people.set(subject, claims);
  const body = new URLSearchParams({
    grant_type: 'authorization_code', code: await codeOf(subject, clientId), redirect_uri: CALLBACK,
  });
  const authorization = `Basic ${Buffer.from(`${clientId}:secret`).toString('base64')}`;
  const answer = await ask(`${issuer}/token`, { method: 'POST', body, headers: { authorization } });
  const { id_token: token, error_description: error } = await answer.json();
  if (!token) throw new Error(error);
  return { token };
}

function sign({ sign: claims, header, key }) {
  const signing = key === 'foreign' ? foreign : keys[0];
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const named = { alg: 'RS256', typ: 'JWT', kid: keys[0].jwk.kid, ...header };
  const text = `${part(named)}.${part({ iss: issuer, ...claims })}`;
  return { token: `${text}.${createSign('RSA-SHA256').update(text).sign(signing.private, 'base64url')}` };
}

async function up({ up: wanted }) {
  if (wanted) {
    await listen(port);
  } else {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
  }
  return {};
}

async function obey(order) {
  if ('signIn' in order) return signIn(order);
  if ('sign' in order) return sign(order);
  if ('up' in order) return up(order);
  if ('rotate' in order) renew();
  return { fetches };
}

const tell = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
tell({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  tell(await obey(JSON.parse(line)).catch((error) => ({ error: String(error) })));
}
process.exit(0);
