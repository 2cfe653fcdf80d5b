import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { type CommandOptions, type CommandResult, command } from "./command.ts";
import { type ContainerdPlaces, CRI_NAMESPACE, containerdConfig, ebbRuntime } from "./containerd-config.ts";
import { type Scope, stopEverything } from "./leftovers.ts";
import { until } from "./until.ts";

/** Where bundles are, below the state directory. */
const BUNDLES = "io.containerd.runtime.v2.task";

/** How to start a containerd of one's own. */
export interface PrivateContainerdOptions {
  /** Where images and snapshots go, for example on a slow disk; a temporary directory where it is missing. */
  readonly root?: string;
  /** Where the overlay snapshotter keeps its layers, if not below {@link root}. */
  readonly snapshots?: string;
  /**
   * Serves CRI as well, to be driven by {@link Cri}. `ctr` then works in CRI's namespace, and pods have to have
   * {@link PrivateContainerd.cgroupParent}.
   */
  readonly cri?: boolean;
  /** Tables of TOML by which CRI knows shims; {@link ebbRuntime} where they are missing. */
  readonly criRuntimes?: string;
  /** How much it logs, and has shims log; `debug` where it is missing. */
  readonly logLevel?: "debug" | "info";
  /** Directories in which shims are looked for before those of PATH. */
  readonly shimDirs?: readonly string[];
  /** What its environment, and with it that of its shims, has beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Namespace for `ctr`; one that nobody else uses where it is missing. */
  readonly namespace?: string;
  /** Where its state, and with it the bundles, go, to be removed in the end; a temporary directory where it is missing. */
  readonly state?: string;
}

/** A containerd beside the machine's own, with its own state, address and namespace. */
export interface PrivateContainerd {
  readonly address: string;
  readonly namespace: string;
  /** A name that nobody else has, below which pods get their cgroups; containers of `ctr` do by themselves. */
  readonly cgroupParent: string;
  /** Where images and snapshots are. */
  readonly root: string;
  /** Where bundles and shim addresses are. */
  readonly state: string;
  /** The file that it logs to. */
  readonly logFile: string;
  /** Its process; undefined while it is killed. */
  readonly pid: number | undefined;
  /** What belongs to it, for {@link snapshotLeftovers}; `ids` are the containers that were or will be made. */
  scope(ids: readonly string[]): Scope;
  /** Runs `ctr` with its address and namespace. */
  ctr(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs `ctr`, which must succeed; returns its stdout. */
  mustCtr(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** The arguments of {@link ctr} in full, for who spawns it otherwise. */
  ctrArgs(args: readonly string[]): string[];
  /**
   * Has it remove now what belongs to nothing any longer. By itself it does so after each removal, in the background,
   * and where two come at once may leave the layer of the second until the next.
   */
  collectGarbage(): Promise<void>;
  /** Kills it with SIGKILL, as a crash does; shims and containers live on. */
  kill(): Promise<void>;
  /**
   * Kills it where it still runs, starts it again and waits until it serves. One that is `deaf` takes no events from
   * shims that it finds before {@link hear}: who listens to it has missed nothing then.
   */
  restart(options?: { readonly deaf?: boolean }): Promise<void>;
  /** Has a deaf one take events. */
  hear(): void;
  /** Ends it and everything that it started: containers, shims, mounts, files. Repeatable. */
  dispose(): Promise<void>;
}

/** The directory that it makes for a task; the task's root file system is mounted in there. */
export function bundlePath({ state, namespace }: PrivateContainerd, id: string): string {
  return path.join(state, BUNDLES, namespace, id);
}

/** Why this machine cannot run one, or undefined where it can. */
export function whyNoContainerd(): string | undefined {
  if (process.getuid?.() !== 0) return "containerd needs root";
  for (const program of ["containerd", "ctr", "runc"]) {
    const dirs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if (!dirs.some((dir) => existsSync(path.join(dir, program)))) return `${program} is not installed`;
  }
  return undefined;
}

/** Starts a containerd and waits until it serves. */
export async function startPrivateContainerd(
  options: PrivateContainerdOptions = {},
): Promise<PrivateContainerd> {
  const home = mkdtempSync(path.join(os.tmpdir(), "ebb-containerd-"));
  const daemon = new Daemon(home, options);
  try {
    await daemon.restart();
  } catch (error) {
    await daemon.dispose();
    throw error;
  }
  return daemon;
}

class Daemon implements PrivateContainerd {
  readonly address: string;
  readonly namespace: string;
  readonly cgroupParent: string;
  readonly root: string;
  readonly state: string;
  readonly logFile: string;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #roots: readonly string[];
  readonly #places: Omit<ContainerdPlaces, "eventsAddress">;
  /** Where shims look for it with what they have to tell, and where they do not. */
  readonly #ears: { readonly heard: string; readonly unheard: string };
  #child: ChildProcess | undefined;
  #disposal: Promise<void> | undefined;
  /** The containers that were asked about: their sockets and pipes go in the end. */
  readonly #ids = new Set<string>();

  constructor(home: string, options: PrivateContainerdOptions) {
    const {
      root,
      snapshots,
      cri = false,
      criRuntimes = ebbRuntime(),
      logLevel = "debug",
      shimDirs = [],
      env = {},
      namespace,
      state = path.join(home, "state"),
    } = options;
    this.#home = home;
    this.address = path.join(home, "containerd.sock");
    this.cgroupParent = namespace ?? path.basename(home);
    this.namespace = cri ? CRI_NAMESPACE : this.cgroupParent;
    this.root = root ?? path.join(home, "root");
    this.state = state;
    this.logFile = path.join(home, "log");
    this.#roots = [home, this.root, state, ...(snapshots === undefined ? [] : [snapshots])];
    this.#env = { ...process.env, ...env, PATH: [...shimDirs, process.env.PATH ?? ""].join(":") };
    mkdirSync(this.root, { recursive: true });
    const { address } = this;
    this.#places = { home, root: this.root, state, address, snapshots, cri, criRuntimes, logLevel };
    this.#ears = { heard: `${address}.ttrpc`, unheard: `${address}.unheard` };
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  scope(ids: readonly string[]): Scope {
    for (const id of ids) this.#ids.add(id);
    return {
      roots: this.#roots,
      address: this.address,
      namespace: this.cgroupParent,
      sharedNamespace: this.namespace === this.cgroupParent ? undefined : this.namespace,
      ids,
    };
  }

  async collectGarbage(): Promise<void> {
    const lease = "ebb-collect-garbage";
    await this.mustCtr(["leases", "create", "--id", lease]);
    await this.mustCtr(["leases", "delete", "--sync", lease]);
  }

  ctrArgs(args: readonly string[]): string[] {
    return ["--address", this.address, "--namespace", this.namespace, ...args];
  }

  ctr(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return command("ctr", this.ctrArgs(args), options);
  }

  async mustCtr(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await this.ctr(args, options);
    if (exitCode !== 0) throw new Error(`ctr ${args.join(" ")}: exit status ${exitCode}: ${stderr.trim()}`);
    return stdout;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await exited;
  }

  async restart({ deaf = false }: { readonly deaf?: boolean } = {}): Promise<void> {
    await this.kill();
    const log = openSync(this.logFile, "a");
    const config = path.join(this.#home, "config.toml");
    const { heard, unheard } = this.#ears;
    for (const ear of [heard, unheard]) rmSync(ear, { force: true });
    writeFileSync(config, containerdConfig({ ...this.#places, eventsAddress: deaf ? unheard : heard }));
    // Shims that a deaf one has started know it by that name.
    if (!deaf) symlinkSync(heard, unheard);
    const child = spawn("containerd", ["--config", config], { stdio: ["ignore", log, log], env: this.#env });
    closeSync(log);
    this.#child = child;
    let failure: string | undefined;
    child.once("error", (error) => {
      failure = error.message;
    });
    child.once("exit", (code, signal) => {
      failure ??= `it ended with ${code ?? signal}`;
    });
    await until(`containerd at ${this.address}`, async () => {
      if (failure !== undefined) throw new Error(`containerd: ${failure}: ${this.#lastLogLines()}`);
      if (!existsSync(this.address)) return undefined;
      const { exitCode } = await this.ctr(["version"]);
      return exitCode === 0 ? true : undefined;
    });
  }

  hear(): void {
    symlinkSync(this.#ears.unheard, this.#ears.heard);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.kill();
    const bundles = path.join(this.state, BUNDLES, this.namespace);
    const ids = existsSync(bundles) ? readdirSync(bundles) : [];
    await stopEverything(this.scope([...this.#ids, ...ids]));
    for (const place of [this.#home, this.state]) rmSync(place, { recursive: true, force: true });
  }

  #lastLogLines(): string {
    return existsSync(this.logFile)
      ? readFileSync(this.logFile, "utf8").split("\n").slice(-5).join("\n")
      : "";
  }
}
