/**
 * A program for tests to kill: makes a slow disk, throttles it, writes to it, prints where it is, and stays. With
 * the argument `sync` it waits for the disk then, in the kernel.
 */
import { fsyncSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeSlowDisk } from "../../lab/slow-disk.ts";

const disk = await makeSlowDisk({ size: 64 << 20 });
disk.throttle(1);
const file = path.join(disk.mountPoint, "data");
writeFileSync(file, Buffer.alloc(4 << 20, 1));
process.stdout.write(`${JSON.stringify({ device: disk.device, mountPoint: disk.mountPoint })}\n`);
if (process.argv[2] === "sync") fsyncSync(openSync(file, "r+"));
setInterval(() => {}, 60_000);
