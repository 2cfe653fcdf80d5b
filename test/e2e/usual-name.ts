import { copyFileSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { SHIM_DIR } from "./runtimes.ts";

/** Installs our shim under the name of containerd's own, in a new directory, which it returns. */
export function installUnderUsualName(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-test-installed-"));
  copyFileSync(path.join(SHIM_DIR, "containerd-shim-ebb-v2"), path.join(dir, "containerd-shim-runc-v2"));
  return dir;
}
