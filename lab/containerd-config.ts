import { execFileSync } from "node:child_process";
import path from "node:path";
import { PAUSE_IMAGE } from "./image.ts";

/** The namespace of everything that CRI makes; containerd has it fixed. */
export const CRI_NAMESPACE = "k8s.io";

/** The version of the containerd in PATH: the first two numbers; 0 and 0 where there is none. */
export function containerdVersion(): readonly [major: number, minor: number] {
  try {
    const stdout = execFileSync("containerd", ["--version"], { encoding: "utf8" });
    const [, major = "0", minor = "0"] = /\bv?(\d+)\.(\d+)\.\d+/.exec(stdout) ?? [];
    return [Number(major), Number(minor)];
  } catch {
    return [0, 0];
  }
}

/** Where CRI's settings for containers are, by the version of config.toml. */
const CRI = { 2: 'plugins."io.containerd.grpc.v1.cri"', 3: 'plugins."io.containerd.cri.v1.runtime"' };

/** The version of config.toml that the containerd in PATH is given: the newest it reads. */
export function configVersion(): 2 | 3 {
  const [major] = containerdVersion();
  return major >= 2 ? 3 : 2;
}

/** The tables by which CRI knows its default and our shim as `ebb`, with lines of TOML as the options of ours. */
export function ebbRuntime(options = ""): string {
  return `${runcRuntime()}${criRuntime("ebb", "io.containerd.ebb.v2", options)}`;
}

/** The table of CRI's default: before containerd 2 CRI does not load where there are others and not this one. */
export function runcRuntime(): string {
  return criRuntime("runc", "io.containerd.runc.v2");
}

/** The table by which CRI knows a runtime by the name of a handler. */
export function criRuntime(handler: string, type: string, options = ""): string {
  const table = `${CRI[configVersion()]}.containerd.runtimes.${handler}`;
  return `[${table}]
  runtime_type = ${JSON.stringify(type)}
${options === "" ? "" : `[${table}.options]\n${options}`}`;
}

/** Where a containerd has what is its own. */
export interface ContainerdPlaces {
  readonly home: string;
  readonly root: string;
  readonly state: string;
  readonly address: string;
  /** Where it takes events from shims. */
  readonly eventsAddress: string;
  /** Where the overlay snapshotter keeps its layers, if not below the root. */
  readonly snapshots: string | undefined;
  /** How much it logs, and has shims log. */
  readonly logLevel: string;
  /** Whether it serves CRI. */
  readonly cri: boolean;
  /** Tables of TOML by which CRI knows shims; as {@link criRuntime} makes them. */
  readonly criRuntimes: string;
}

/** Plugins that are of no use here: the snapshotters want devices. */
const DISABLED_PLUGINS = ["aufs", "btrfs", "devmapper", "zfs", "tracing"];

/**
 * The text of a containerd's config.toml. What is deleted goes at once: by default the garbage collector pauses the
 * longer the slower it is, and waits for a hundred changes where CRI is what deletes.
 */
export function containerdConfig(places: ContainerdPlaces): string {
  const version = configVersion();
  const names = places.cri ? DISABLED_PLUGINS : [...DISABLED_PLUGINS, "cri"];
  const disabled = names.flatMap((name) =>
    ["grpc", "snapshotter", "tracing.processor", "internal"].map(
      (kind) => `"io.containerd.${kind}.v1.${name}"`,
    ),
  );
  return `version = ${version}
root = ${JSON.stringify(places.root)}
state = ${JSON.stringify(places.state)}
disabled_plugins = [${disabled.join(", ")}]
[grpc]
  address = ${JSON.stringify(places.address)}
[ttrpc]
  address = ${JSON.stringify(places.eventsAddress)}
[debug]
  level = ${JSON.stringify(places.logLevel)}
[plugins."io.containerd.snapshotter.v1.overlayfs"]
  root_path = ${JSON.stringify(places.snapshots ?? "")}
[plugins."io.containerd.gc.v1.scheduler"]
  deletion_threshold = 1
${places.cri ? criConfig(places, version) : ""}`;
}

/** Pods have the host's network, so that CRI needs no network plugin; root may lack the right to lower OOM scores. */
function criConfig({ home, criRuntimes }: ContainerdPlaces, version: 2 | 3): string {
  const cri = CRI[version];
  const plugins = JSON.stringify(path.join(home, "cni-bin"));
  const pause = JSON.stringify(PAUSE_IMAGE);
  const images = `[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = ${pause}\n`;
  return `${version === 3 ? images : ""}[${cri}]
${version === 2 ? `  sandbox_image = ${pause}\n` : ""}  restrict_oom_score_adj = true
  disable_apparmor = true
[${cri}.cni]
  conf_dir = ${JSON.stringify(path.join(home, "cni"))}
  ${version === 3 ? `bin_dirs = [${plugins}]` : `bin_dir = ${plugins}`}
${criRuntimes}`;
}
