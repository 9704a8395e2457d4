// A real OpenID provider on loopback: `node provider.mjs PORT ALGORITHM`. Client "jane" gets tokens for herself.
import Provider from "oidc-provider";

const [port, algorithm] = process.argv.slice(2);
const { subtle } = globalThis.crypto;
const KINDS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};

async function key(kind, kid) {
  const pair = await subtle.generateKey(KINDS[kind], true, ["sign", "verify"]);
  const { kty, n, e, d, p, q, dp, dq, qi, crv, x, y } = await subtle.exportKey("jwk", pair.privateKey);
  return { kty, n, e, d, p, q, dp, dq, qi, crv, x, y, kid, use: "sig", alg: kind };
}

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "jane", client_secret: "jane", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
  jwks: { keys: [await key("RS256", "rsa"), ...(algorithm === "RS256" ? [] : [await key(algorithm, "own")])] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:sluice",
      getResourceServerInfo: (_ctx, resource) => ({
        scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 60, jwt: { sign: { alg: algorithm } },
      }),
    },
  },
  extraTokenClaims: () => ({ roles: ["analyst"] }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listens"));
