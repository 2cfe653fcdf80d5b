import { jsonReader } from "../../base/json.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import type { Challenge } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { Exchange, type Patience, type Request } from "./exchange.ts";
import { fromAnswer } from "./http-error.ts";
import type { Credentials } from "./settings.ts";

/** What lets somebody in for a while. */
export interface Token {
  /** The value of an Authorization header. */
  readonly authorization: string;
  /** When it ends, on the clock of `performance.now`. */
  readonly expiresAt: number;
}

/** Who wants which token, and from whom. */
export interface TokenRequest {
  readonly endpoint: Endpoint;
  /** What the registry asked for; of the scheme `bearer`. */
  readonly challenge: Challenge;
  /** What the token is to allow, where the registry does not say it. */
  readonly scope: string;
  readonly credentials: Credentials | undefined;
}

const reader = jsonReader(
  {
    type: "object",
    properties: {
      token: { type: "string" },
      access_token: { type: "string" },
      expires_in: { type: "number", minimum: 0 },
    },
  } as const,
  StatusCode.failedPrecondition,
);

/** A token with all that it may do is some kilobytes. */
const MAX_TOKEN_BYTES = 1 << 20;
/** What holds where a server does not say how long its token does (distribution, spec/auth/token). */
const DEFAULT_SECONDS = 60;
/** Who we are to those who give out tokens by form. */
const CLIENT_ID = "ebb";

/** Gets a token from the server that a registry names. `unauthenticated` where it does not know the user. */
export async function fetchToken(wanted: TokenRequest, patience: Patience): Promise<Token> {
  const asked = performance.now();
  const request = tokenRequest(wanted);
  const { host } = request.url;
  const exchange = await Exchange.open(request, patience);
  try {
    if (exchange.status !== 200) throw refused(exchange, wanted);
    const bytes = await exchange.body(MAX_TOKEN_BYTES, "a token");
    const answer = reader.parse(bytes.toString("utf8"), `the token server ${host}`);
    const { token = answer.access_token, expires_in = DEFAULT_SECONDS } = answer;
    // Anything else in a header would be something else than a token.
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
      throw new StatusError(
        StatusCode.failedPrecondition,
        `the token server ${host} answers without a token`,
      );
    }
    return { authorization: `Bearer ${token}`, expiresAt: asked + expires_in * 1000 };
  } finally {
    exchange.close();
  }
}

/** The header for a user and a password (RFC 7617). */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** As docker asks: by address for a user or nobody, by form for who has an identity token. */
function tokenRequest({ endpoint, challenge, scope, credentials }: TokenRequest): Request {
  const url = realmOf(endpoint, challenge);
  const fields = { service: challenge.parameters.service, scope: challenge.parameters.scope ?? scope };
  const asked = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  if (credentials !== undefined && "identityToken" in credentials) {
    const form = new URLSearchParams(asked);
    form.set("grant_type", "refresh_token");
    form.set("refresh_token", credentials.identityToken);
    form.set("client_id", CLIENT_ID);
    return { url, headers: {}, form };
  }
  for (const [name, value] of asked) url.searchParams.set(name, value);
  if (credentials === undefined) return { url, headers: {} };
  url.searchParams.set("account", credentials.username);
  return { url, headers: { authorization: basicAuthorization(credentials) } };
}

/** Where the tokens are. Whoever is spoken to by TLS must not have the password sent on without it. */
function realmOf({ host, base }: Endpoint, { parameters: { realm = "" } }: Challenge): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && base.startsWith("http:"));
  if (url !== undefined && isSafe && url.username === "" && url.password === "") return url;
  const told = `registry ${host} sends for a token to something that is not a safe address`;
  throw new StatusError(StatusCode.failedPrecondition, told);
}

function refused({ status, url: { host } }: Exchange, { credentials, scope }: TokenRequest): StatusError {
  if (status !== 401 && status !== 403) return fromAnswer(status, host, `a token for ${scope}`);
  const who = credentials === undefined ? "somebody unknown" : nameOf(credentials);
  return new StatusError(StatusCode.unauthenticated, `the token server ${host} has no token for ${who}`);
}

/** What to call a user in an error. */
export function nameOf(credentials: Credentials): string {
  return "username" in credentials ? `user ${credentials.username}` : "the identity token that it was given";
}
