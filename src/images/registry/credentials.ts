import path from "node:path";
import { readTextFile } from "../../base/files.ts";
import { jsonReader } from "../../base/json.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import type { Credentials } from "./settings.ts";

/** What docker's config.json says of users; helper programs that it names are not run. */
const dockerConfig = jsonReader(
  {
    type: "object",
    properties: {
      auths: {
        type: "object",
        additionalProperties: {
          type: "object",
          properties: {
            auth: { type: "string" },
            username: { type: "string" },
            password: { type: "string" },
            identitytoken: { type: "string" },
          },
        },
      },
    },
  } as const,
  StatusCode.failedPrecondition,
);

/** Far more than anybody has of registries. */
const MAX_CONFIG_BYTES = 1 << 20;

interface Entry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/** Where docker keeps its configuration: in the directory that the environment names, or in the home directory. */
export function dockerConfigFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return path.join(env.DOCKER_CONFIG || path.join(home, ".docker"), "config.json");
}

/**
 * Who we are to a registry's host according to docker's config.json, which is read now; to nobody anybody where
 * there is none. One that cannot be understood is `failedPrecondition`, naming the file.
 */
export function dockerCredentials(file: string): (host: string) => Credentials | undefined {
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  const auths = text === undefined ? {} : (dockerConfig.parse(text, file).auths ?? {});
  const known = new Map(Object.entries(auths).map(([name, entry]) => [hostOf(name), entry]));
  return (host) => {
    const entry = known.get(host);
    return entry === undefined ? undefined : credentialsOf(entry, `${file}: the entry of ${host}`);
  };
}

/** Docker has its own registry by an address of old, and others sometimes with a scheme and a path. */
function hostOf(name: string): string {
  const host = name.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "index.docker.io" ? "docker.io" : host;
}

function credentialsOf(entry: Entry, where: string): Credentials | undefined {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  const { username, password } = entry;
  if (username !== undefined && password !== undefined) return { username, password };
  if (!entry.auth) return undefined;
  const [, user, word] = /^([^:]+):(.*)$/s.exec(Buffer.from(entry.auth, "base64").toString("utf8")) ?? [];
  if (user !== undefined && word !== undefined) return { username: user, password: word.replace(/\0+$/, "") };
  throw new StatusError(StatusCode.failedPrecondition, `${where} is not base64 of user and password`);
}
