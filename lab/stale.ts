/**
 * What slow disks leave on a machine when the process that made them is killed: a limit, which would make the
 * next user of the same loop device wait for ever, mounts, the device, files. What a living process has is left
 * alone, as is every device that is no slow disk.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type MountInfo, readMountInfo } from "../src/linux/mountinfo.ts";
import { command, must } from "./command.ts";
import { DISK_PREFIX, removeDiskFiles } from "./disk-files.ts";
import { hasLiveOwner, isClaimed } from "./owner.ts";
import { writeLimitOf } from "./slow-disk.ts";

const LIMIT_MS = 20_000;

interface LoopDevice {
  readonly name: string;
  /** `major:minor`. */
  readonly number: string;
  /** The directory of the file that it shows; undefined where it is free. */
  readonly directory: string | undefined;
}

/** Removes all that slow disks of dead processes left, and says what it did, a line each. */
export async function clearStaleDisks(): Promise<string[]> {
  const told: string[] = [];
  const attempt = async (what: string, work: () => void | Promise<void>) => {
    const failed = await Promise.resolve()
      .then(work)
      .then(
        () => "",
        (error) => `, which failed: ${error.message}`,
      );
    told.push(`${what}${failed}`);
  };
  const stale = loopDevices().filter(isStale);
  // The limits first: what waits for one of these disks may hold another.
  for (const device of stale) {
    if (isLimited(device)) await attempt(`lifted the limit of ${device.name}`, () => lift(device));
  }
  for (const device of stale.filter(({ directory }) => directory !== undefined)) {
    await attempt(`detached ${device.name} from ${device.directory}`, () => detach(device));
  }
  for (const directory of [...directoriesOf(stale), ...temporaryDirectories()]) {
    if (existsSync(directory) && !hasLiveOwner(directory)) {
      await attempt(`removed ${directory}`, () => removeDiskFiles(directory));
    }
  }
  return told;
}

function loopDevices(): LoopDevice[] {
  const names = readdirSync("/sys/block").filter((name) => name.startsWith("loop"));
  return names.map((name) => {
    const sysfs = path.join("/sys/block", name);
    const image = readOr(path.join(sysfs, "loop/backing_file")).replace(/ \(deleted\)$/, "");
    const directory = image === "" ? undefined : path.dirname(image);
    return { name, number: readOr(path.join(sysfs, "dev")), directory };
  });
}

/** A free device is nobody's: who takes one lifts its limit before the first use. */
function isStale({ directory }: LoopDevice): boolean {
  if (directory === undefined) return true;
  const ours = path.basename(directory).startsWith(DISK_PREFIX) || isClaimed(directory);
  return ours && !hasLiveOwner(directory);
}

function isLimited({ name, number }: LoopDevice): boolean {
  const limit = writeLimitOf(name);
  return !("reason" in limit) && limit.isSet(number);
}

function lift({ name, number }: LoopDevice): void {
  const limit = writeLimitOf(name);
  if (!("reason" in limit)) limit.clear(number);
}

/** Takes every mount of the disk and every overlay over it out of the tree, and frees the device with its last user. */
async function detach({ name, number, directory = "" }: LoopDevice): Promise<void> {
  const uses = ({ device, superOptions, mountPoint }: MountInfo) =>
    device === number || superOptions.includes(`=${directory}/`) || mountPoint.startsWith(`${directory}/`);
  const mounts = readMountInfo().filter(uses);
  const own = mounts.find(({ device }) => device === number);
  // One that was left frozen would never take what its last user has to write; any other refuses.
  if (own !== undefined) await command("fsfreeze", ["--unfreeze", own.mountPoint], { timeoutMs: LIMIT_MS });
  // What was mounted last goes first: it may be mounted over the others.
  for (const { mountPoint } of mounts.reverse()) {
    await must("umount", ["--lazy", mountPoint], { timeoutMs: LIMIT_MS });
  }
  await must("losetup", ["--detach", `/dev/${name}`], { timeoutMs: LIMIT_MS });
}

function directoriesOf(devices: readonly LoopDevice[]): string[] {
  return devices.flatMap(({ directory }) => directory ?? []);
}

function temporaryDirectories(): string[] {
  const names = readdirSync(os.tmpdir()).filter((name) => name.startsWith(DISK_PREFIX));
  return names.map((name) => path.join(os.tmpdir(), name));
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
