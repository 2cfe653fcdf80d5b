import path from "node:path";
import { makeSlowDisk, type SlowDisk } from "../lab/slow-disk.ts";
import { sleep } from "../src/base/deadline.ts";
import { deferred } from "../src/base/deferred.ts";
import type { ReleaseMode } from "../src/base/release-mode.ts";
import { Container } from "../src/client/index.ts";
import { bold, duration, green, printTable, progress, red, say } from "./paint.ts";
import type { Stage } from "./stage.ts";

const MIB = 1 << 20;
const DATA_MIB = 24;
const LIMIT_MIB = 4;
const SIGKILL = 9;
/** How often State is asked while Delete is under way, and the disk while it is written. */
const PAUSE_MS = 10;
/** A disk that has taken nothing for this long after the data has taken everything. */
const QUIET_MS = 500;

/** A shim to play the scene with. */
export interface Player {
  readonly name: string;
  readonly runtime: string;
}

/** What was seen, in milliseconds since Delete was asked. */
interface Seen {
  readonly deleteMs: number;
  readonly slowestStateMs: number;
  readonly syncedMs: number;
  readonly writtenAtAnswer: number;
}

/**
 * Deletes a container with unwritten data on a slow disk, once a shim, and shows who waited for what. Resolves to
 * whether the first of them kept the promise of its release mode.
 */
export async function slowDiskScene(
  stage: Stage,
  players: readonly Player[],
  mode: ReleaseMode,
): Promise<boolean> {
  say(
    bold(
      `Deleting a container with ${DATA_MIB} MiB of unwritten data on a disk that takes ${LIMIT_MIB} MiB/s`,
    ),
  );
  const rows: [Player, Seen][] = [];
  for (const player of players) rows.push([player, await play(stage, player)]);
  const head = ["shim", "Delete answered", "State meanwhile, at worst", "the disk had it all"];
  const cells = rows.map(([{ name }, seen]) => [
    name,
    duration(seen.deleteMs),
    duration(seen.slowestStateMs),
    duration(seen.syncedMs),
  ]);
  printTable(head, cells);
  const ours = rows[0]?.[1];
  if (ours === undefined) return false;
  return mode === "strict" ? judgeStrict(ours) : judge(ours);
}

/** Whether Delete waited for nothing, which is what every mode but one promises. */
function judge({ writtenAtAnswer }: Seen): boolean {
  const well = writtenAtAnswer < DATA_MIB * MIB;
  say(
    well
      ? `Delete was answered with ${mib(writtenAtAnswer)} of ${DATA_MIB} MiB on the disk: ${green("nobody waited")}.`
      : red("Delete waited for the disk, which it must not."),
  );
  return well;
}

/** Whether Delete waited for all of the data, as `strict` promises. */
function judgeStrict({ writtenAtAnswer, slowestStateMs }: Seen): boolean {
  const well = writtenAtAnswer >= DATA_MIB * MIB;
  say(
    well
      ? `In mode strict Delete answers once ${green("all is on the disk")}; State was answered within ${duration(slowestStateMs)} meanwhile.`
      : red(
          `Delete was answered with ${mib(writtenAtAnswer)} of ${DATA_MIB} MiB on the disk, which mode strict must not.`,
        ),
  );
  return well;
}

async function play(stage: Stage, player: Player): Promise<Seen> {
  progress(`${player.name}: preparing the disk`);
  const disk = await makeSlowDisk();
  let container: Container | undefined;
  try {
    const written = deferred();
    container = await Container.open(containerOptions(stage, player, disk, written.resolve));
    disk.throttle(LIMIT_MIB * MIB);
    await container.start();
    progress(`${player.name}: the container writes`);
    await Promise.race([written.promise, container.wait()]);
    await container.kill(SIGKILL);
    await container.wait();
    return await deleteAndWatch(stage, player, container, disk);
  } finally {
    progress(undefined);
    disk.lift();
    await container?.remove();
    await disk.dispose();
  }
}

function containerOptions(stage: Stage, player: Player, disk: SlowDisk, onWritten: () => void) {
  const id = player.name;
  const script = `dd if=/dev/urandom of=/data bs=1M count=${DATA_MIB} 2>/dev/null; echo written; exec sleep 1000`;
  return {
    runtime: player.runtime,
    namespace: stage.namespace,
    id,
    stateDir: path.join(stage.dir, "state"),
    rootfs: {
      kind: "overlay",
      lower: stage.rootfs,
      upper: path.join(disk.mountPoint, "upper"),
      work: path.join(disk.mountPoint, "work"),
    },
    spec: {
      args: ["sh", "-c", script],
      ...(disk.cgroup !== undefined && { cgroupsPath: `/${disk.cgroup}/${id}` }),
    },
    stdio: { stdout: onWritten },
    signal: stage.signal,
  } as const;
}

/** Asks Delete, State again and again until that is answered, and the disk until it has taken everything. */
async function deleteAndWatch(
  stage: Stage,
  player: Player,
  container: Container,
  disk: SlowDisk,
): Promise<Seen> {
  const before = disk.writtenBytes();
  const written = () => disk.writtenBytes() - before;
  const asked = performance.now();
  const since = () => performance.now() - asked;
  let over = false;
  const answer = container.shim.task
    .delete({ id: container.id }, { signal: stage.signal })
    .then(() => ({ deleteMs: since(), writtenAtAnswer: written() }))
    .finally(() => {
      over = true;
    });
  answer.catch(() => {});
  let slowestStateMs = 0;
  do {
    const stateAsked = performance.now();
    // A container that is deleted by now is not found, which is an answer as well.
    await container.shim.task.state({ id: container.id }, { signal: stage.signal }).catch(() => {});
    slowestStateMs = Math.max(slowestStateMs, performance.now() - stateAsked);
    progress(`${player.name}: ${mib(written())} of ${DATA_MIB} MiB on the disk`);
    await sleep(PAUSE_MS, stage.signal);
  } while (!over);
  return { ...(await answer), slowestStateMs, syncedMs: await synced(stage, player, written, since) };
}

/** When the last byte reached the disk: the data is there, and nothing has come for a while. */
async function synced(
  stage: Stage,
  player: Player,
  written: () => number,
  since: () => number,
): Promise<number> {
  let [bytes, at] = [written(), since()];
  while (bytes < DATA_MIB * MIB || since() - at < QUIET_MS) {
    await sleep(PAUSE_MS, stage.signal);
    if (written() !== bytes) [bytes, at] = [written(), since()];
    progress(`${player.name}: Delete has answered; ${mib(bytes)} of ${DATA_MIB} MiB on the disk`);
  }
  return at;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
