import net from "node:net";
import { StatusError } from "../../base/status.ts";
import { shimInfo, shimVersion } from "../launch.ts";
import { shimsInPath } from "../shims-in-path.ts";
import { type Check, type Finding, missing, ok, warning } from "./check.ts";
import type { Host } from "./host.ts";

const OWN_SHIM = "containerd-shim-ebb-v2";
const OWN_RUNTIME = "io.containerd.ebb.v2";

/** The line by which a runtime of containerd's configuration is ours: its type, or a path, as docs/install.md has them. */
const OWN_LINE =
  /^\s*runtime_(?:type|path) = ["']?(io\.containerd\.ebb\.v2|\/.*\/containerd-shim-ebb-v2)["']?$/m;

/** Where containerd listens unless its configuration says otherwise. */
const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

/** What shims there are; `built` is ebb's own where it is not installed. */
export function shimChecks(built?: string): readonly Check[] {
  return [
    {
      name: "shims",
      meaning: "a shim runs containers, for containerd and for ebb run",
      remedy: "reinstall the package that it is from",
      needed: false,
      look: (host) => lookForShims(host, built),
    },
    {
      name: "containerd",
      meaning: "ebb needs none; where there is one, its containers can be run by ebb's shim",
      remedy: "systemctl start containerd, or apt-get install containerd, if it is wanted",
      needed: false,
      look: lookForContainerd,
    },
    {
      name: "containerd's config",
      meaning: "pods of Kubernetes can be run by ebb's shim; ctr and nerdctl need no line there",
      remedy: `add a runtime of type ${OWN_RUNTIME} to the CRI plugin's in /etc/containerd/config.toml, as docs/install.md has it`,
      needed: false,
      look: lookForRuntime,
    },
  ];
}

async function lookForShims(host: Host, built: string | undefined): Promise<readonly Finding[]> {
  const found = await findShims(host.env.PATH ?? "");
  const shims = [...found].map(([name, file]) => lookAtShim(name, file));
  return Promise.all(found.has(OWN_SHIM) ? shims : [...shims, missingOwn(found.size > 0, built)]);
}

/** Every shim in PATH, by its name; the first of a name is the one that is run. */
async function findShims(searchPath: string): Promise<ReadonlyMap<string, string>> {
  const shims = new Map<string, string>();
  for (const { name, file } of await shimsInPath(searchPath)) if (!shims.has(name)) shims.set(name, file);
  return shims;
}

async function lookAtShim(name: string, file: string): Promise<Finding> {
  try {
    const { version } = await shimInfo(file);
    return { name, ...ok(`${version?.version ?? "of no version"}, ${file}`) };
  } catch {
    // Shims had no -info before containerd 1.7.
    return lookAtOldShim(name, file);
  }
}

async function lookAtOldShim(name: string, file: string): Promise<Finding> {
  try {
    const [, version = "of no version"] = /Version:\s*(\S+)/i.exec(await shimVersion(file)) ?? [];
    return { name, ...ok(`${version}, ${file}, knows no -info`) };
  } catch (error) {
    return { name, ...warning(`${StatusError.from(error).message.split("\n")[0]}`) };
  }
}

async function missingOwn(others: boolean, built: string | undefined): Promise<Finding> {
  const file = built ?? `dist/${OWN_SHIM}`;
  const remedy = `${built === undefined ? "npm run build, then " : ""}install -m 0755 ${file} /usr/local/bin/`;
  const finding = built === undefined ? missing("not in PATH") : warning(`not in PATH, but at ${built}`);
  return { ...finding, name: OWN_SHIM, remedy, needed: !others };
}

async function lookForContainerd(host: Host): Promise<Finding> {
  const file = await host.find("containerd");
  if (file === undefined) return missing("not in PATH");
  const { stdout } = await host.run(file, "--version");
  const version = stdout.split(" ")[2] ?? "of no version";
  return (await listens(CONTAINERD_SOCKET))
    ? ok(`${version}, is running`)
    : warning(`${version}, does not listen at ${CONTAINERD_SOCKET}`);
}

async function lookForRuntime(host: Host): Promise<readonly Finding[]> {
  const file = await host.find("containerd");
  if (file === undefined) return [];
  // What is imported is in it, too.
  const { exitCode, stdout, stderr } = await host.run(file, "config", "dump");
  if (exitCode !== 0) return [warning(`containerd cannot read it: ${stderr.split("\n")[0]}`)];
  const [, named] = OWN_LINE.exec(stdout) ?? [];
  return [
    named === undefined
      ? warning(`does not name ${OWN_RUNTIME}, nor the path of ${OWN_SHIM}`)
      : ok(`names ${named}`),
  ];
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    const end = (answer: boolean) => {
      connection.destroy();
      resolve(answer);
    };
    connection.once("connect", () => end(true));
    connection.once("error", () => end(false));
  });
}
