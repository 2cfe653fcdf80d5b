import { StatusCode, StatusError } from "../../base/status.ts";
import type { RegistrySettings } from "./settings.ts";

/** The registry that names without a host mean, and where it really is. */
const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** One server to ask for what a registry has: itself, or a mirror. */
export interface Endpoint {
  /** As people know it: host, and port where it has one. */
  readonly host: string;
  /** What requests begin with, `/v2` included and without a slash at the end. */
  readonly base: string;
}

/** Whom to ask for what a registry has, in this order: its mirrors, then itself. */
export function endpointsOf(registry: string, settings: RegistrySettings): Endpoint[] {
  const mirrors = settings.mirrors ?? {};
  const names = Object.hasOwn(mirrors, registry) ? (mirrors[registry] ?? []) : [];
  return [...names, registry].map((name) => endpoint(name, settings.insecureRegistries ?? []));
}

function endpoint(name: string, insecure: readonly string[]): Endpoint {
  const url = parse(name.includes("://") ? name : `${scheme(name, insecure)}://${atHome(name)}`, name);
  const host = name.includes("://") ? url.host : name;
  return { host, base: `${url.origin}${url.pathname.replace(/\/+$/, "")}/v2` };
}

function parse(address: string, name: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const plain = url !== undefined && url.username === "" && url.password === "" && url.search === "";
  if (plain && /^https?:$/.test(url.protocol)) return url;
  // A password that should not be there is told to nobody.
  const shown = name.replace(/^([^/]*:\/\/)?.*@/, "$1");
  throw new StatusError(StatusCode.invalidArgument, `registry ${shown}: neither a host nor an http address`);
}

function atHome(host: string): string {
  return host === DOCKER_HUB ? DOCKER_HUB_HOST : host;
}

function scheme(host: string, insecure: readonly string[]): "http" | "https" {
  return insecure.includes(host) || isThisMachine(host) ? "http" : "https";
}

function isThisMachine(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
