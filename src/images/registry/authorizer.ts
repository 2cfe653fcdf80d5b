import { StatusCode, StatusError } from "../../base/status.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange, Patience } from "./exchange.ts";
import { retrying } from "./retry.ts";
import type { Credentials, RegistryLimits } from "./settings.ts";
import { SharedWork } from "./shared-work.ts";
import { basicAuthorization, fetchToken, nameOf, type Token } from "./token.ts";

/** What a request is about: in the terms of tokens, and in those of people. */
export interface Subject {
  /** `repository:NAME:pull` */
  readonly scope: string;
  /** What is asked for, for errors. */
  readonly what: string;
}

/** Tells one server who asks, in the way that it wants; nothing before it wants it. */
export class Authorizer {
  readonly #endpoint: Endpoint;
  readonly #findCredentials: () => Credentials | undefined;
  readonly #limits: RegistryLimits;
  readonly #tokens = new Map<string, Token>();
  readonly #fetching = new SharedWork<Token>();
  #basic: string | undefined;

  /** @param credentials asked only when the server wants to know, as who needs no user need not have one */
  constructor(endpoint: Endpoint, credentials: () => Credentials | undefined, limits: RegistryLimits) {
    this.#endpoint = endpoint;
    this.#findCredentials = credentials;
    this.#limits = limits;
  }

  /**
   * Sends a request with what the server accepted before, and once more with what it asks for where that is not
   * enough. `unauthenticated` where that is not either.
   */
  async send(
    { scope, what }: Subject,
    signal: AbortSignal,
    request: (authorization: string | undefined) => Promise<Exchange>,
  ): Promise<Exchange> {
    const known = this.#known(scope);
    const first = await request(known);
    if (first.status !== 401) return first;
    first.close();
    const found = this.#known(scope);
    const next = found === known ? await this.#answer(first, { scope, what }, signal) : found;
    const second = await request(next);
    if (second.status !== 401) return second;
    second.close();
    throw this.#unknown(what);
  }

  /** What is accepted, as far as is known; another may have found it out in the meantime. */
  #known(scope: string): string | undefined {
    const token = this.#tokens.get(scope);
    return token !== undefined && token.expiresAt > performance.now() ? token.authorization : this.#basic;
  }

  /** What the server asks for in its refusal. */
  async #answer(refusal: Exchange, { scope, what }: Subject, signal: AbortSignal): Promise<string> {
    const challenges = this.#isOurs(refusal) ? parseChallenges(refusal.header("www-authenticate") ?? "") : [];
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) return (await this.#token(bearer, scope, signal)).authorization;
    const credentials = this.#findCredentials();
    const isBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!isBasic || credentials === undefined || !("username" in credentials)) throw this.#unknown(what);
    this.#basic = basicAuthorization(credentials);
    return this.#basic;
  }

  /** Whether it comes from this very server, and not from one that it sent on to. */
  #isOurs({ url }: Exchange): boolean {
    return url.origin === new URL(this.#endpoint.base).origin;
  }

  async #token(challenge: Challenge, scope: string, signal: AbortSignal): Promise<Token> {
    return await this.#fetching.do(scope, signal, async (shared) => {
      const patience: Patience = { stallMs: this.#limits.stallMs, signal: shared };
      const wanted = { endpoint: this.#endpoint, challenge, scope, credentials: this.#findCredentials() };
      const token = await retrying(this.#limits, shared, () => fetchToken(wanted, patience));
      this.#tokens.set(scope, token);
      return token;
    });
  }

  #unknown(what: string): StatusError {
    const { host } = this.#endpoint;
    const credentials = this.#findCredentials();
    const why =
      credentials === undefined
        ? "it may have no such image, or want a user, and docker's configuration names none for it"
        : `it does not accept ${nameOf(credentials)}`;
    return new StatusError(StatusCode.unauthenticated, `registry ${host} does not give out ${what}: ${why}`);
  }
}
