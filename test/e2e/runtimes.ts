import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { containerdVersion } from "../../lab/containerd-config.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";

/** A shim under test. */
export interface Runtime {
  readonly name: string;
  /** Whether it is the one that this project makes; the other shows what the tests expect of any. */
  readonly ours: boolean;
  /** Why it cannot run here, or false. */
  readonly skip: string | false;
}

/** Where the build leaves our shim. */
export const SHIM_DIR = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../dist");

const noContainerd = whyNoContainerd() ?? false;
const built = existsSync(path.join(SHIM_DIR, "containerd-shim-ebb-v2"));

/** containerd's own shim: the control. */
export const CONTROL: Runtime = { name: "io.containerd.runc.v2", ours: false, skip: noContainerd };

/** The shim of this project. */
export const EBB: Runtime = {
  name: "io.containerd.ebb.v2",
  ours: true,
  skip: noContainerd || (built ? false : "dist/containerd-shim-ebb-v2 is not built"),
};

/** Both, the control first. */
export const RUNTIMES: readonly Runtime[] = [CONTROL, EBB];

/** Whether a shim stays until its last event is out: containerd's own of version 2 is shut down before that at times. */
export function tellsItsLast({ ours }: Runtime): boolean {
  const [major] = containerdVersion();
  return ours || major < 2;
}
