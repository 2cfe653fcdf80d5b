import fs from "node:fs";

/** A process's output streams. */
export type OutputStream = "stdout" | "stderr";

/** What one or both of a process's output streams go to, opened. */
export interface Output {
  /** The process's ends: descriptors that block. Whoever opened the output closes them ({@link closeChildFds}). */
  readonly childFds: { readonly [Stream in OutputStream]?: number };
  /**
   * The runtime has ended well: what was written is the process's, and not what the runtime says of its failure, which is
   * in the error as well. Where this is not called before `close`, what has come so far is dropped.
   */
  begin?(): void;
  /**
   * To be called when the process has ended. Resolves when whoever takes its output has done so, as far as it is
   * ours to know.
   */
  finished(): Promise<void>;
  /** Lets go of everything but the process's ends; repeatable. */
  close(): Promise<void>;
}

/** Closes the process's ends, when it has them or never will; to be called once. */
export function closeChildFds(outputs: readonly Output[]): void {
  for (const { childFds } of outputs) {
    // Both streams may go to one descriptor.
    for (const fd of new Set([childFds.stdout, childFds.stderr])) if (fd !== undefined) fs.closeSync(fd);
  }
}
