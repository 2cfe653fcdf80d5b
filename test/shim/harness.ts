import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { command } from "../../lab/command.ts";
import { until } from "../../lab/until.ts";
import { hasCode, type StatusCode } from "../../src/base/status.ts";
import {
  type Bundle,
  createBundle,
  defaultSpec,
  deleteShim,
  EventReceiver,
  type LaunchOptions as LaunchShimOptions,
  launchShim,
  type OciSpec,
  type Shim,
  type ShimCommand,
  type ShimDeletion,
} from "../../src/client/index.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";
import type { containerd } from "../../src/proto/index.ts";
import { type PendingRelease, PendingReleases } from "../../src/rootfs/pending.ts";
import { shimPath } from "../support/shim-process.ts";

/** Why the shim cannot run containers here; false where it can. */
export const noContainers: string | false =
  process.getuid?.() !== 0
    ? "needs root"
    : !fs.existsSync("/usr/sbin/runc") && !fs.existsSync("/usr/bin/runc")
      ? "needs runc"
      : false;

/** Two runs at a time must not take each other's containers for their own. */
export const NAMESPACE = `ebb-shim-test-${process.pid}`;

/** What the OCI runtime keeps of the containers of these tests; removed with the last of them. */
const RUNC_STATE = `/run/containerd/runc/${NAMESPACE}`;

/** What a test may set when it makes a container. */
export interface CreateOptions extends Partial<containerd.task.v2.ICreateTaskRequest> {
  readonly args?: readonly string[];
  /** Changes the configuration before it is written. */
  readonly edit?: (spec: OciSpec) => void;
  /** Where the overlay's upper directory goes, if not into the workshop's own directory. */
  readonly upperIn?: string;
  /** Of the bundle's config.json. */
  readonly annotations?: Record<string, string>;
  /** The shim to make it in, if not one of its own. */
  readonly shim?: Shim;
  /** What is launched as shim, if not our executable itself. */
  readonly binary?: string;
  /** Whether the shim is to log each of its steps. */
  readonly debug?: boolean;
}

/** A line of a shim's log. */
export type LogLine = Readonly<Record<string, unknown> & { level: string; msg: string }>;

/** How a shim is launched. */
export interface LaunchOptions {
  /** The name of the daemon that it belongs to. */
  readonly daemon?: string;
  /** What is launched, if not our executable itself. */
  readonly binary?: string | undefined;
  readonly debug?: boolean;
  /** The options of the runtime that `start` is handed. */
  readonly options?: LaunchShimOptions["options"];
}

/** A place where a test file makes bundles, launches our shim over them and drives it, as the daemon would. */
export class Workshop {
  dir = "";
  lower = "";
  #events: EventReceiver | undefined;
  #shims: Shim[] = [];
  #bundles: Bundle[] = [];
  readonly #logs = new Map<string, LogLine[]>();

  /** Call it outside of any test: it makes what it needs before the file's tests and removes it after them. */
  constructor() {
    before(async () => {
      if (noContainers !== false) return;
      this.dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-shim-"));
      // For every shim that is launched from here, its `delete` command included.
      process.env.EBB_RUN_DIR = path.join(this.dir, "run");
      this.lower = path.join(this.dir, "lower");
      await makeBusyboxRootfs(this.lower);
      this.#events = await EventReceiver.listen(path.join(this.dir, "events"));
    });
    after(async () => {
      for (const shim of this.#shims) await this.#end(shim);
      for (const bundle of this.#bundles) await this.#remove(bundle);
      if (fs.existsSync(RUNC_STATE)) fs.rmdirSync(RUNC_STATE);
      await this.#events?.close();
      removeGroups();
      if (this.dir !== "") fs.rmSync(this.dir, { recursive: true, force: true });
    });
  }

  get events(): EventReceiver {
    if (this.#events === undefined) throw new Error("the workshop is not open");
    return this.#events;
  }

  /** What the events about a container were, as `topic id` with the exit status where there is one. */
  history(id: string): string[] {
    return this.events.received.flatMap(({ topic, type, ...rest }) => {
      const event = ("event" in rest ? rest.event : {}) as { containerId?: string; exitStatus?: number };
      if (event.containerId !== id) return [];
      const status = topic === "/tasks/exit" || topic === "/tasks/delete" ? ` ${event.exitStatus}` : "";
      return [`${topic}${status}`];
    });
  }

  /** A bundle whose program is `args`. */
  async bundle(
    id: string,
    args: readonly string[],
    annotations: Record<string, string> = {},
    edit: (spec: OciSpec) => void = () => {},
  ): Promise<Bundle> {
    const spec = defaultSpec({ namespace: NAMESPACE, id, args, annotations });
    edit(spec);
    const root = path.join(this.dir, "bundles");
    const bundle = await createBundle({ root, namespace: NAMESPACE, id, spec });
    this.#bundles.push(bundle);
    return bundle;
  }

  /** The overlay that a snapshotter would hand to the daemon for a new container. */
  overlay(id: string, upperIn = this.dir): containerd.types.IMount {
    const [upper, work] = ["upper", "work"].map((name) => path.join(upperIn, name, id));
    for (const dir of [upper, work]) fs.mkdirSync(dir ?? "", { recursive: true });
    const options = [`lowerdir=${this.lower}`, `upperdir=${upper}`, `workdir=${work}`];
    return { type: "overlay", source: "overlay", options };
  }

  /** The releases of these shims that are under way. */
  pending(): PendingRelease[] {
    return new PendingReleases(path.join(this.dir, "run")).list();
  }

  /** Resolves when the rootfs of a bundle is off the tree, and only its release is waited for. */
  async detached(bundle: Bundle): Promise<void> {
    // It is written down before it leaves the tree.
    const isPending = () => this.pending().some(({ id }) => id === bundle.id);
    await until("the detached rootfs", () =>
      isPending() && this.traces(bundle).length === 0 ? true : undefined,
    );
  }

  /** What the shim that was launched for a bundle has logged. */
  log(id: string): readonly LogLine[] {
    return this.#logs.get(id) ?? [];
  }

  /** A shim for a bundle. */
  async launch(bundle: Bundle, env: Record<string, string> = {}, more: LaunchOptions = {}): Promise<Shim> {
    const lines: LogLine[] = [];
    this.#logs.set(bundle.id, lines);
    const onLog = (line: string) => void lines.push(JSON.parse(line) as LogLine);
    const { options } = more;
    const shim = await launchShim({
      ...this.#command(bundle, more),
      env,
      onLog,
      ...(options && { options }),
    });
    this.#shims.push(shim);
    return shim;
  }

  /** What the daemon does when a shim has died: calls its binary's `delete`. */
  deleteDead(bundle: Bundle): Promise<ShimDeletion> {
    return deleteShim(this.#command(bundle, {}));
  }

  #command(
    bundle: Bundle,
    { daemon = "containerd", binary = shimPath, debug = false }: LaunchOptions,
  ): ShimCommand {
    const address = path.join(this.dir, `${daemon}.sock`);
    const { id, path: dir } = bundle;
    return {
      binary,
      namespace: NAMESPACE,
      id,
      bundle: dir,
      address,
      ttrpcAddress: this.events.address,
      debug,
    };
  }

  /** Bundle, shim and container of one id. */
  async create(id: string, options: CreateOptions = {}, env: Record<string, string> = {}) {
    const {
      args = ["sleep", "1000"],
      upperIn,
      annotations,
      edit,
      shim: given,
      binary,
      debug = false,
      ...request
    } = options;
    const bundle = await this.bundle(id, args, annotations, edit);
    const shim = given ?? (await this.launch(bundle, env, { binary, debug }));
    const rootfs = [this.overlay(id, upperIn)];
    const { pid } = await shim.task.create({ id, bundle: bundle.path, rootfs, ...request });
    return { bundle, shim, task: shim.task, pid };
  }

  /** What a container would leave on the host: mounts in its bundle, and runc's state of it. */
  traces(bundle: Bundle): string[] {
    const mounts = readMountInfo().filter(({ mountPoint }) => mountPoint.startsWith(bundle.path));
    const state = path.join(RUNC_STATE, bundle.id);
    return [...mounts.map(({ mountPoint }) => mountPoint), ...(fs.existsSync(state) ? [state] : [])];
  }

  async #end(shim: Shim): Promise<void> {
    const pid = await shim.task.connect({ id: "" }).then(
      ({ shimPid }) => shimPid,
      () => 0,
    );
    if (pid !== 0) process.kill(pid, "SIGKILL");
    await shim.close();
    if (shim.socketPath !== undefined) fs.rmSync(shim.socketPath, { force: true });
  }

  async #remove(bundle: Bundle): Promise<void> {
    if (fs.existsSync(path.join(RUNC_STATE, bundle.id))) {
      await command("runc", ["--root", RUNC_STATE, "delete", "--force", bundle.id]);
    }
    await bundle.remove();
  }
}

/** The control groups that are at a path in any hierarchy. */
export function groupsAt(group: string): string[] {
  const root = "/sys/fs/cgroup";
  const hierarchies = [root, ...fs.readdirSync(root).map((name) => path.join(root, name))];
  return hierarchies.map((dir) => path.join(dir, group)).filter(fs.existsSync);
}

/** Removes the groups in which the OCI runtime has put those of the containers. */
function removeGroups(): void {
  for (const group of groupsAt(NAMESPACE)) {
    try {
      fs.rmdirSync(group);
    } catch {
      // There is none, or a container still is in it.
    }
  }
}

/** The fake OCI runtime, as a program that can be named in the runtime's options. */
export const fakeRunc = fileURLToPath(new URL("../../runc-fixtures/fake-runc.mjs", import.meta.url));

/** Asserts that a call is refused with this code and a message that names what it is about. */
export async function refused(call: Promise<unknown>, code: number, message: RegExp): Promise<void> {
  await assert.rejects(call, (err: Error) => {
    assert.match(err.message, message);
    assert.ok(hasCode(err, code as StatusCode), `code ${(err as { code?: number }).code}: ${err.message}`);
    return true;
  });
}
