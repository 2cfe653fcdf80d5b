import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { installShim } from "../support/shim-process.ts";

/** Installs our shim under the name of containerd's own, in a new directory, which it returns. */
export function installUnderUsualName(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-test-installed-"));
  installShim(dir, "containerd-shim-runc-v2");
  return dir;
}
