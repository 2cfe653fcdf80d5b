import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../lab/command.ts";

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** Where Debian keeps the sources of Go's libraries. */
const GO_PATH = "/usr/share/gocode";

/** How the two programs of the echo are called; what the bench tells them comes after it. */
export interface Programs {
  readonly server: readonly string[];
  readonly client: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Why there is nothing to compare with here; undefined where there is. */
export function whyNoGo(): string | undefined {
  const lacking = [
    ...(onPath("go") === undefined ? ["golang-go"] : []),
    ...(existsSync(path.join(GO_PATH, "src/github.com/containerd/ttrpc"))
      ? []
      : ["golang-github-containerd-ttrpc-dev"]),
  ];
  return lacking.length === 0 ? undefined : `it needs Debian's ${lacking.join(" and ")}`;
}

/** The path of a program, if it is installed. */
export function onPath(program: string): string | undefined {
  const places = (process.env.PATH ?? "").split(":").map((dir) => path.join(dir, program));
  return places.find((place) => existsSync(place));
}

/** Builds the programs over containerd's library into a directory. */
export async function goPrograms(dir: string): Promise<Programs> {
  const binary = path.join(dir, "go-echo");
  const env = { ...process.env, GO111MODULE: "off", GOPATH: GO_PATH, GOCACHE: path.join(dir, "go-cache") };
  await must("go", ["build", "-o", binary, "."], { cwd: path.join(HERE, "go"), env, timeoutMs: 300_000 });
  return { server: [binary, "serve"], client: [binary, "call"] };
}

/** Bundles one of our programs into a directory, for any runtime, and returns its path. */
export async function bundle(name: string, dir: string): Promise<string> {
  const file = path.join(dir, `${name}.mjs`);
  const source = path.join(HERE, `${name}.ts`);
  await must(process.execPath, ["build", "--target=node", source, "--outfile", file]);
  return file;
}
