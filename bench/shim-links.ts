import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { BenchLab } from "./lab.ts";
import type { Shim } from "./shims.ts";

/**
 * Makes every shim of a lab a runtime that a containerd can tell from the others, whatever its program is called: by a
 * link in a directory, which is to be the first that the daemon looks in.
 */
export class ShimLinks {
  readonly directory: string;
  readonly #shims: readonly Shim[];

  constructor({ dir, shims }: Pick<BenchLab, "dir" | "shims">) {
    this.directory = path.join(dir, "runtimes");
    this.#shims = shims;
    mkdirSync(this.directory);
    for (const shim of shims) {
      symlinkSync(shim.binary, path.join(this.directory, `containerd-shim-${this.handlerOf(shim)}-v2`));
    }
  }

  /** What containerd knows the shim by, such as `io.containerd.bench1.v2`. */
  runtimeOf(shim: Shim): string {
    return `io.containerd.${this.handlerOf(shim)}.v2`;
  }

  /** What CRI knows it by. */
  handlerOf(shim: Shim): string {
    return `bench${this.#shims.indexOf(shim) + 1}`;
  }
}
