import { existsSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type CommandResult, command, must } from "./command.ts";
import { DISK_PREFIX, DiskFiles } from "./disk-files.ts";
import { findWriteLimit, type NoWriteLimit, type WriteLimit } from "./write-limit.ts";

/** An ext4 of its own whose writes can be made as slow as wanted. */
export interface SlowDisk {
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** The loop device, such as /dev/loop0. */
  readonly device: string;
  /** The file with what the device has taken, and nothing that is in a page cache above it only. */
  readonly image: string;
  /** The cgroup that the writers have to be in (cgroup v2), or undefined where all writes are slow (v1). */
  readonly cgroup: string | undefined;
  /** Runs a program whose writes are slow wherever the rule is set, on either kind of cgroup. */
  run(file: string, args: readonly string[]): Promise<CommandResult>;
  /** From now on the device takes this many bytes a second, journal and metadata included; 1 is next to never. */
  throttle(bytesPerSecond: number): void;
  /** No limit any more; whatever waits goes on at once. */
  lift(): void;
  /** How many bytes the device has taken since it was made: what of the page cache has really been written. */
  writtenBytes(): number;
  /** Lifts the limit and removes mount, device and file, waiting for what is still being written. Repeatable. */
  dispose(): Promise<void>;
}

/** How to make the disk. */
export interface SlowDiskOptions {
  /** Size in bytes; 512 MiB where it is missing. The file is sparse. */
  readonly size?: number;
  /** Where file and mount point go; a new directory below the temporary one where it is missing. */
  readonly directory?: string;
  /**
   * Begins with what another disk has taken by now, instead of an empty file system: as after a power cut, the file
   * system recovers by its journal when it is mounted.
   */
  readonly copyOf?: SlowDisk;
}

/** How writes to a device ("loop0") are limited: where that takes a group, each device has its own. */
export function writeLimitOf(deviceName: string): WriteLimit | NoWriteLimit {
  return findWriteLimit(`${DISK_PREFIX}${deviceName}`);
}

/** Why this machine cannot have a slow disk, or undefined where it can. */
export function whyNoSlowDisk(): string | undefined {
  if (process.getuid?.() !== 0) return "a slow disk needs root";
  if (!existsSync("/dev/loop-control"))
    return "a slow disk needs loop devices, and /dev/loop-control is missing";
  for (const program of ["losetup", "mkfs.ext4"]) {
    const found = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].some((dir) =>
      existsSync(path.join(dir, program)),
    );
    if (!found) return `a slow disk needs ${program}`;
  }
  const limit = writeLimitOf("probe");
  return "reason" in limit ? `a slow disk needs a limit on writes: ${limit.reason}` : undefined;
}

/** Attaches the file to a free loop device, past the page cache where its file system allows that. */
async function attach(file: string): Promise<string> {
  const args = ["--find", "--show", file];
  const direct = await command("losetup", ["--direct-io=on", ...args]);
  if (direct.exitCode === 0) return direct.stdout.trim();
  return (await must("losetup", args)).trim();
}

/** Makes the disk; it is fast until {@link SlowDisk.throttle} is called. */
export async function makeSlowDisk(options: SlowDiskOptions = {}): Promise<SlowDisk> {
  const reason = whyNoSlowDisk();
  if (reason !== undefined) throw new Error(reason);
  const directory = options.directory ?? mkdtempSync(path.join(os.tmpdir(), DISK_PREFIX));
  const files = new DiskFiles(directory, options.directory === undefined);
  files.make(options.size ?? 512 << 20);
  try {
    if (options.copyOf !== undefined) {
      await must("cp", ["--sparse=always", options.copyOf.image, files.image]);
    }
    return await makeDisk(files, options.copyOf === undefined);
  } catch (error) {
    files.remove();
    throw error;
  }
}

async function makeDisk(files: DiskFiles, isEmpty: boolean): Promise<SlowDisk> {
  const device = await attach(files.image);
  const limit = writeLimitOf(path.basename(device));
  if ("reason" in limit) throw new Error(limit.reason);
  const disk = new LoopDisk({ files, device, limit });
  try {
    // A process that was killed with a throttled disk leaves its rule to the next user of the device.
    disk.lift();
    // Without the lazy parts: they would write for minutes, against the limit.
    const options = ["-E", "lazy_itable_init=0,lazy_journal_init=0"];
    if (isEmpty) await must("mkfs.ext4", ["-q", "-F", ...options, device]);
    await must("mount", ["-t", "ext4", "-o", "noatime", device, files.mountPoint]);
  } catch (error) {
    await disk.dispose();
    throw error;
  }
  return disk;
}

interface LoopDiskParts {
  readonly files: DiskFiles;
  readonly device: string;
  readonly limit: WriteLimit;
}

class LoopDisk implements SlowDisk {
  readonly #parts: LoopDiskParts;
  /** The device's number in the form of cgroup rules, "7:0". */
  readonly #number: string;
  #disposal: Promise<void> | undefined;

  constructor(parts: LoopDiskParts) {
    this.#parts = parts;
    this.#number = readFileSync(path.join(this.#sysfs, "dev"), "utf8").trim();
  }

  get mountPoint(): string {
    return this.#parts.files.mountPoint;
  }

  get device(): string {
    return this.#parts.device;
  }

  get cgroup(): string | undefined {
    return this.#parts.limit.cgroup;
  }

  get image(): string {
    return this.#parts.files.image;
  }

  get #sysfs(): string {
    return path.join("/sys/block", path.basename(this.#parts.device));
  }

  run(file: string, args: readonly string[]): Promise<CommandResult> {
    return command(...this.#parts.limit.wrap(file, args));
  }

  throttle(bytesPerSecond: number): void {
    this.#parts.limit.set(this.#number, bytesPerSecond);
  }

  lift(): void {
    if (this.#disposal === undefined) this.#parts.limit.clear(this.#number);
  }

  writtenBytes(): number {
    // Field 7 of the kernel's Documentation/block/stat.rst: sectors written, of 512 bytes each.
    const fields = readFileSync(path.join(this.#sysfs, "stat"), "utf8").trim().split(/\s+/);
    return Number(fields[6]) * 512;
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { files, device, limit } = this.#parts;
    limit.clear(this.#number);
    if (isMountPoint(files.mountPoint)) await unmount(files.mountPoint);
    // Where something still holds the file system, the kernel detaches the device with the last user.
    await must("losetup", ["--detach", device]);
    files.remove();
    limit.dispose();
  }
}

/** Unmounts, waiting for the sync; lazily where somebody still uses it. */
async function unmount(mountPoint: string): Promise<void> {
  const { exitCode } = await command("umount", [mountPoint]);
  if (exitCode !== 0) await must("umount", ["--lazy", mountPoint]);
}

function isMountPoint(directory: string): boolean {
  return statSync(directory).dev !== statSync(path.dirname(directory)).dev;
}
