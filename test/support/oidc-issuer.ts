import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { listen } from "../adapters/listen.ts";

/** A person who is logged in at the issuer, and may be somebody else the next time. */
export interface Issuer {
  readonly url: string;
  subject: string;
  close(): Promise<void>;
}

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** An OpenID Connect provider on the loopback interface: authorization code flow, RS256, and it asks nobody for a password. */
export async function startIssuer(): Promise<Issuer> {
  const grants = new Map<string, { nonce: string | null; clientId: string | null; subject: string }>();
  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url!, issuer.url);
    if (pathname === "/.well-known/openid-configuration") return json(res, discovery(issuer.url));
    if (pathname === "/jwks") {
      return json(res, {
        keys: [{ ...keys.publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "1" }],
      });
    }
    if (pathname === "/authorize") {
      const code = randomUUID();
      const [nonce, clientId] = [searchParams.get("nonce"), searchParams.get("client_id")];
      grants.set(code, { nonce, clientId, subject: issuer.subject });
      const back = new URL(searchParams.get("redirect_uri")!);
      back.search = new URLSearchParams({ code, state: searchParams.get("state") ?? "" }).toString();
      return res.writeHead(302, { Location: back.href }).end();
    }
    if (pathname !== "/token") return res.writeHead(404).end();
    const code = new URLSearchParams(await text(req)).get("code") ?? "";
    const grant = grants.get(code);
    if (grant === undefined) return json(res, { error: "invalid_grant" }, 400);
    grants.delete(code);
    const iat = Math.floor(Date.now() / 1000);
    const { nonce, clientId: aud, subject: sub } = grant;
    const claims = { iss: issuer.url, sub, aud, nonce, iat, exp: iat + 300, sid: randomUUID() };
    return json(res, {
      access_token: randomUUID(),
      token_type: "Bearer",
      expires_in: 300,
      id_token: jwt(claims),
    });
  });
  const issuer: Issuer = { url: "", subject: "ada", close: async () => {} };
  const { port, close } = await listen(server);
  return Object.assign(issuer, { url: `http://127.0.0.1:${port}`, close });
}

function discovery(url: string): object {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}

function json(res: ServerResponse, body: object, status = 200): void {
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function jwt(claims: object): string {
  const parts = [{ alg: "RS256", typ: "JWT", kid: "1" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signature = sign("sha256", Buffer.from(parts.join(".")), keys.privateKey);
  return [...parts, signature.toString("base64url")].join(".");
}
