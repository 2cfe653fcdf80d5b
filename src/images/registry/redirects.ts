import { StatusCode, StatusError } from "../../base/status.ts";
import { Exchange, type Patience, type Request } from "./exchange.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Registries send to a storage, which sends on to a place near by. */
const MAX_REDIRECTS = 5;

/**
 * Sends a request and follows where the answers send it, a few times at most. Who asks is told to the
 * first server only: the header goes once another one answers, and does not come back.
 */
export async function follow(request: Request, patience: Patience): Promise<Exchange> {
  let next = request;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const exchange = await Exchange.open(next, patience);
    const location = exchange.header("location");
    if (!REDIRECTS.has(exchange.status) || location === undefined) return exchange;
    exchange.close();
    next = redirected(next, location);
  }
  const told = `registry ${request.url.host} sends on more than ${MAX_REDIRECTS} times`;
  throw new StatusError(StatusCode.failedPrecondition, told);
}

function redirected({ url, headers }: Request, location: string): Request {
  const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  const isSafe = target?.protocol === "https:" || (target?.protocol === "http:" && url.protocol === "http:");
  // Who is named in an address would be told to somebody by a server that may be anybody.
  if (target === undefined || !isSafe || target.username !== "" || target.password !== "") {
    const told = `registry ${url.host} sends on to something that is not a safe address`;
    throw new StatusError(StatusCode.failedPrecondition, told);
  }
  if (target.origin === url.origin) return { url: target, headers };
  return { url: target, headers: withoutAuthorization(headers) };
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}
