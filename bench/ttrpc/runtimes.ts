import { must } from "../../lab/command.ts";
import { onPath } from "./programs.ts";

/** Something that runs our bundled programs. */
export interface Runtime {
  readonly label: string;
  /** What comes before the program. */
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** What a library's user may have: Bun, and Node where it is installed; and Bun as the shim has it. */
export async function runtimes(): Promise<Runtime[]> {
  const bun = [process.execPath];
  const node = onPath("node");
  const version = node === undefined ? "" : (await must(node, ["--version"])).trim().replace(/^v/, "");
  return [
    { label: "ebb, Bun", command: bun },
    ...(node === undefined ? [] : [{ label: `ebb, Node ${version}`, command: [node] }]),
    { label: "ebb, Bun without JIT", command: bun, env: { ...process.env, BUN_JSC_useJIT: "false" } },
  ];
}
