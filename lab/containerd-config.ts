import path from "node:path";
import { PAUSE_IMAGE } from "./image.ts";

/** The namespace of everything that CRI makes; containerd has it fixed. */
export const CRI_NAMESPACE = "k8s.io";

/** The names by which a pod asks CRI for a shim, and what they stand for. */
export const CRI_RUNTIMES: Readonly<Record<string, string>> = {
  runc: "io.containerd.runc.v2",
  ebb: "io.containerd.ebb.v2",
};

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
  /** Whether it serves CRI. */
  readonly cri: boolean;
  /** Lines of TOML that CRI has as the options of our shim. */
  readonly criOptions: string;
}

/** Plugins that are of no use here: the snapshotters want devices. */
const DISABLED_PLUGINS = ["aufs", "btrfs", "devmapper", "zfs", "tracing"];

/**
 * The text of a containerd's config.toml. What is deleted goes at once: by default the garbage collector pauses the
 * longer the slower it is, and waits for a hundred changes where CRI is what deletes.
 */
export function containerdConfig(places: ContainerdPlaces): string {
  const names = places.cri ? DISABLED_PLUGINS : [...DISABLED_PLUGINS, "cri"];
  const disabled = names.flatMap((name) =>
    ["grpc", "snapshotter", "tracing.processor", "internal"].map(
      (kind) => `"io.containerd.${kind}.v1.${name}"`,
    ),
  );
  return `version = 2
root = ${JSON.stringify(places.root)}
state = ${JSON.stringify(places.state)}
disabled_plugins = [${disabled.join(", ")}]
[grpc]
  address = ${JSON.stringify(places.address)}
[ttrpc]
  address = ${JSON.stringify(places.eventsAddress)}
[debug]
  level = "debug"
[plugins."io.containerd.snapshotter.v1.overlayfs"]
  root_path = ${JSON.stringify(places.snapshots ?? "")}
[plugins."io.containerd.gc.v1.scheduler"]
  deletion_threshold = 1
${places.cri ? criConfig(places) : ""}`;
}

/** Pods have the host's network, so that CRI needs no network plugin; root may lack the right to lower OOM scores. */
function criConfig({ home, criOptions }: ContainerdPlaces): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const runtimes = Object.entries(CRI_RUNTIMES).map(
    ([name, type]) => `[${cri}.containerd.runtimes.${name}]
  runtime_type = "${type}"
`,
  );
  return `[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[${cri}.cni]
  conf_dir = ${JSON.stringify(path.join(home, "cni"))}
  bin_dir = ${JSON.stringify(path.join(home, "cni-bin"))}
${runtimes.join("")}${criOptions === "" ? "" : `[${cri}.containerd.runtimes.ebb.options]\n${criOptions}`}`;
}
