import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { progress } from "../demo/paint.ts";
import { makeBusyboxRootfs } from "../lab/busybox-rootfs.ts";
import { stopEverything } from "../lab/leftovers.ts";
import { EventReceiver } from "../src/client/index.ts";
import { readProcessStat } from "../src/linux/process-stat.ts";
import { referenceOf, type Shim } from "./shims.ts";

/** What a row measures with. */
export interface BenchLab {
  readonly shims: readonly Shim[];
  /** What the others are compared with; undefined where containerd's own shim is not installed. */
  readonly reference: Shim | undefined;
  /** Aborted, everything is to end soon. */
  readonly signal: AbortSignal;
  /** A directory for what a row makes; its path is short enough for sockets. */
  readonly dir: string;
  /** A directory below /run, which `npm run bench` makes a tmpfs: where a daemon has its bundles. */
  readonly run: string;
  /** A root file system of busybox. */
  readonly rootfs: string;
  /** The namespace, and the parent of the control groups, of all containers that are made. */
  readonly namespace: string;
  /** The daemon's own address, which names the shims' sockets. */
  readonly address: string;
  /** What the environment of a daemon, and so of its shims, has beside ours. */
  readonly env: Readonly<Record<string, string>>;
  /** What takes the shims' events. */
  readonly events: EventReceiver;
  /** How many rounds: the usual number of a row, unless the command says otherwise. */
  rounds(usual: number): number;
  /** An id that no other container has. */
  newId(): string;
  /** Shows how far a row is. */
  progress(text: string | undefined): void;
}

/** What a lab is for. */
export interface LabPlan {
  readonly shims: readonly Shim[];
  readonly signal: AbortSignal;
  readonly rounds?: number | undefined;
}

/** Sets up a lab, works in it, and leaves nothing of it, whatever happened. */
export async function withLab<T>(plan: LabPlan, work: (lab: BenchLab) => Promise<T>): Promise<T> {
  const dir = mkdtempSync("/tmp/ebb-bench-");
  const namespace = path.basename(dir);
  const address = path.join(dir, "c.sock");
  const run = path.join("/run", namespace);
  const ids: string[] = [];
  const since = readProcessStat(process.pid)?.startTime ?? 0;
  try {
    const rootfs = path.join(dir, "rootfs");
    await makeBusyboxRootfs(rootfs);
    mkdirSync(run, { mode: 0o711 });
    const events = await EventReceiver.listen(path.join(dir, "events"), { capacity: 1 });
    const newId = () => {
      const id = `b${ids.length + 1}`;
      ids.push(id);
      return id;
    };
    const { shims, signal } = plan;
    const rounds = (usual: number) => plan.rounds ?? usual;
    const places = { dir, run, rootfs, namespace, address };
    const lab = { shims, reference: referenceOf(shims), signal, ...places, env: {} };
    return await work({ ...lab, events, rounds, newId, progress }).finally(() => events.close());
  } finally {
    progress(undefined);
    await stopEverything({ roots: [dir, run], address, namespace, ids, since });
    for (const place of [dir, run]) rmSync(place, { recursive: true, force: true });
  }
}
