import { access } from "node:fs/promises";
import { RELEASE_ANNOTATION } from "../../base/release-mode.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { defaultSpec, type OciSpec, type SpecMount, type SpecUser } from "../spec.ts";
import type { ContainerConfig } from "./container-config.ts";

/** What of the host's files says how its network is used. */
const NETWORK_FILES = ["/etc/resolv.conf", "/etc/hosts"];

/** Who a container is, beyond its configuration. */
export interface SpecContext {
  readonly namespace: string;
  readonly user: SpecUser | undefined;
}

/** The spec of a container; `notFound` names a mount's source that is not there. */
export async function specOf(config: ContainerConfig, { namespace, user }: SpecContext): Promise<OciSpec> {
  const { id, args, env, cwd, terminal, readOnly, network, hostname, memoryBytes, cpus } = config;
  const mounts = [...(await networkMounts(config)), ...(await Promise.all(config.mounts.map(bindMount)))];
  return defaultSpec({
    ...{ namespace, id, args, env, cwd, terminal, readOnly, network, mounts },
    annotations: annotationsOf(config),
    ...(user === undefined ? {} : { user }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpus === undefined ? {} : { cpus }),
  });
}

function annotationsOf({ annotations, releaseMode }: ContainerConfig): Record<string, string> {
  return { ...annotations, ...(releaseMode === undefined ? {} : { [RELEASE_ANNOTATION]: releaseMode }) };
}

async function networkMounts({ network, mounts }: ContainerConfig): Promise<SpecMount[]> {
  if (network !== "host") return [];
  const wanted = NETWORK_FILES.filter((file) => !mounts.some(({ destination }) => destination === file));
  const there = await Promise.all(wanted.map(exists));
  return wanted.filter((_, n) => there[n]).map((file) => bind(file, file, true));
}

async function bindMount({
  source,
  destination,
  readOnly,
}: ContainerConfig["mounts"][number]): Promise<SpecMount> {
  if (await exists(source)) return bind(source, destination, readOnly);
  throw new StatusError(StatusCode.notFound, `${source}, to be mounted on ${destination}, does not exist`);
}

function bind(source: string, destination: string, readOnly: boolean): SpecMount {
  return { type: "bind", source, destination, options: ["rbind", "rprivate", readOnly ? "ro" : "rw"] };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
