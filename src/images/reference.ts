import { StatusCode, StatusError } from "../base/status.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** The name of an image, taken apart. */
export interface Reference {
  /** The registry's host, with its port where one is written: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** The path in the registry: `library/busybox`. */
  readonly repository: string;
  /** `latest` where neither a tag nor a digest is written. */
  readonly tag?: string;
  readonly digest?: Digest;
  /** The whole of it, in the one form in which it is kept and compared: `docker.io/library/busybox:latest`. */
  readonly name: string;
}

const DEFAULT_REGISTRY = "docker.io";
/** Another name of the same registry. */
const OTHER_DEFAULT_REGISTRY = "index.docker.io";
/** Where that registry has the images that are written without a path. */
const OFFICIAL = "library";
const DEFAULT_TAG = "latest";

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const IDENTIFIER = /^[0-9a-f]{64}$/;

/** The longest registry and repository together that registries allow. */
const MAX_NAME_LENGTH = 255;

/**
 * Takes the name of an image apart as docker does: `busybox` is `docker.io/library/busybox:latest`, and what is
 * before the first slash is a registry where it has a dot, a colon or a capital in it, or is `localhost`.
 * `invalidArgument`, saying what is wrong, for what can be the name of no image.
 */
export function parseReference(text: string): Reference {
  try {
    const { name, tag, digest } = splitName(text);
    const place = locate(name);
    checkPlace(place);
    if (tag !== undefined && !TAG.test(tag)) throw wrong(tagProblem(tag));
    return assemble(place, tag, digest === undefined ? undefined : parseDigest(digest));
  } catch (thrown) {
    const { message } = StatusError.from(thrown);
    throw wrong(`image reference ${JSON.stringify(text)}: ${message}`);
  }
}

interface Place {
  readonly registry: string;
  readonly repository: string;
}

function wrong(what: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, what);
}

/** What is before the tag and the digest, and those. */
function splitName(text: string): { name: string; tag?: string; digest?: string } {
  if (text === "") throw wrong("it is empty");
  if (/\s/.test(text)) throw wrong("it has a blank in it");
  if (text.includes("://")) throw wrong("it begins with a host, not with a scheme");
  const [beforeDigest = "", ...digest] = text.split("@");
  const slash = beforeDigest.lastIndexOf("/");
  const colon = beforeDigest.indexOf(":", slash + 1);
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  return {
    name,
    ...(colon >= 0 && { tag: beforeDigest.slice(colon + 1) }),
    ...(digest.length > 0 && { digest: digest.join("@") }),
  };
}

function locate(name: string): Place {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(0, slash));
  const isHost = first === "localhost" || /[.:A-Z]/.test(first);
  if (isHost && first !== DEFAULT_REGISTRY && first !== OTHER_DEFAULT_REGISTRY) {
    return { registry: first, repository: name.slice(slash + 1) };
  }
  const rest = isHost ? name.slice(slash + 1) : name;
  return { registry: DEFAULT_REGISTRY, repository: rest.includes("/") ? rest : `${OFFICIAL}/${rest}` };
}

function checkPlace({ registry, repository }: Place): void {
  if (!HOST.test(registry)) throw wrong(`${JSON.stringify(registry)} is not a host`);
  for (const component of repository.split("/")) {
    if (component === "") throw wrong("a part of its name is empty");
    if (/[A-Z]/.test(component)) throw wrong(`${JSON.stringify(component)} must be in lower case`);
    if (!COMPONENT.test(component)) throw wrong(componentProblem(component));
  }
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH) {
    throw wrong(`its name is longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (IDENTIFIER.test(repository.replace(`${OFFICIAL}/`, ""))) {
    throw wrong("64 hexadecimal digits are a digest, which is written NAME@sha256:DIGITS");
  }
}

function componentProblem(component: string): string {
  const rule = 'lower-case letters and digits, with ".", "_", "__" or any number of "-" between them';
  return `${JSON.stringify(component)} is not allowed in its name: ${rule}`;
}

function tagProblem(tag: string): string {
  if (tag === "") return "its tag is empty";
  const rule = 'at most 128 letters, digits, "_", "." and "-", the first neither "." nor "-"';
  return `${JSON.stringify(tag)} is not allowed as its tag: ${rule}`;
}

function assemble(place: Place, written?: string, digest?: Digest): Reference {
  const tag = written ?? (digest === undefined ? DEFAULT_TAG : undefined);
  const version = `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
  return {
    ...place,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    name: `${place.registry}/${place.repository}${version}`,
  };
}
