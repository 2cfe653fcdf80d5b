import fs from "node:fs";
import { readTextFile, writeFileAtomically } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "../oci/bundle-paths.ts";
import type { ExitRecord } from "../oci/exit-record.ts";
import { encodeFields } from "../proto/fields.ts";
import { timestamp } from "./timestamp.ts";

/** Numbers of fields: proto/containerd/task/v2/shim.proto, and those of google.protobuf.Timestamp. */
const DeleteResponse = { pid: 1, exitStatus: 2, exitedAt: 3 } as const;
const Timestamp = { seconds: 1, nanos: 2 } as const;

/** An answer has some twenty bytes, of four characters each. */
const MAX_FILE_BYTES = 1 << 10;

/** How a container has ended, as the `delete` command answers it: a DeleteResponse. */
export function encodeEnd({ pid, status, at }: ExitRecord): Uint8Array {
  const { seconds, nanos } = timestamp(at);
  const exitedAt = encodeFields([
    [Timestamp.seconds, seconds],
    [Timestamp.nanos, nanos],
  ]);
  return encodeFields([
    [DeleteResponse.pid, pid],
    [DeleteResponse.exitStatus, status],
    [DeleteResponse.exitedAt, exitedAt],
  ]);
}

/**
 * Notes in the bundle that its container was deleted and nothing of it is left to clean up, by what the `delete` command
 * answers then: in octal escapes, which the shell of front.sh can write out.
 */
export function writeDeleted(bundle: string, record: ExitRecord): void {
  const bytes = [...encodeEnd(record)].map((byte) => `\\${byte.toString(8).padStart(4, "0")}`);
  writeFileAtomically(bundlePaths(bundle).deleted, `${bytes.join("")}\n`);
}

/** What {@link writeDeleted} wrote; undefined where there is nothing, `internal` where it is something else. */
export function readDeleted(bundle: string): Uint8Array | undefined {
  const file = bundlePaths(bundle).deleted;
  const text = readTextFile(file, MAX_FILE_BYTES);
  if (text === undefined) return undefined;
  if (!/^(\\0[0-3][0-7]{2})+\n$/.test(text))
    throw new StatusError(StatusCode.internal, `${file}: no octal escapes`);
  return Uint8Array.from(text.trim().split("\\").slice(1), (digits) => Number.parseInt(digits, 8));
}

/** Removes what an earlier container in the bundle has left of its end. */
export function forgetEnd(bundle: string): void {
  const { exit, deleted } = bundlePaths(bundle);
  for (const file of [deleted, exit]) fs.rmSync(file, { force: true });
}
