import fs from "node:fs";
import { close } from "../base/file-calls.ts";
import { StatusError } from "../base/status.ts";
import { FsconfigCommand, type Libc, MountAttribute, type MountCall, MountFlag } from "../linux/libc.ts";
import { lowerDirsOf } from "./lower-dirs.ts";

/** Off the main thread: what was made and not attached goes with its descriptor, and an overlay syncs as it goes. */

/** Which attribute of a mount made by fsmount(2) means the same as a flag of mount(2). */
const ATTRIBUTES: readonly (readonly [flag: number, attribute: number])[] = [
  [MountFlag.rdonly, MountAttribute.rdonly],
  [MountFlag.nosuid, MountAttribute.nosuid],
  [MountFlag.nodev, MountAttribute.nodev],
  [MountFlag.noexec, MountAttribute.noexec],
  [MountFlag.noatime, MountAttribute.noatime],
  [MountFlag.nodiratime, MountAttribute.nodiratime],
  [MountFlag.strictatime, MountAttribute.strictatime],
  [MountFlag.relatime, 0],
];

/** The most that fsconfig(2) takes as a value, less the closing zero byte. */
const MAX_VALUE_BYTES = 255;

/** A mount of an overlay, its options each for itself. */
export interface OverlayCall extends Omit<MountCall, "data"> {
  readonly options: readonly string[];
}

interface Setting {
  readonly key: string;
  readonly value: string | null;
}

/** Whether {@link mountOverlayByContext} means the same as mount(2) for these: flags, lengths, nothing escaped. */
export function fitsContext({ type, flags, options }: OverlayCall): boolean {
  const known = ATTRIBUTES.reduce((all, [flag]) => all | flag, 0);
  const fits = ({ value }: Setting) => Buffer.byteLength(value ?? "") <= MAX_VALUE_BYTES;
  const escaped = options.some((option) => option.includes("\\"));
  return type === "overlay" && (flags & ~known) === 0 && !escaped && options.flatMap(settingsOf).every(fits);
}

/**
 * Mounts an overlay by the calls that hand over one option at a time, and so know no limit on their sum: as many
 * layers as the kernel stacks (500), each by its own path. Kernels that lack it (before 6.7, where overlay
 * learned `lowerdir+`) answer `unimplemented` or `invalidArgument`.
 */
export async function mountOverlayByContext(libc: Libc, call: OverlayCall): Promise<void> {
  const context = await libc.fsopen(call.type);
  try {
    for (const setting of settingsOfCall(call)) {
      const command = setting.value === null ? FsconfigCommand.setFlag : FsconfigCommand.setString;
      await libc.fsconfig(context, { command, ...setting });
    }
    await libc.fsconfig(context, { command: FsconfigCommand.create, key: null, value: null });
    await attach(libc, context, call);
  } catch (thrown) {
    const err = StatusError.from(thrown);
    const words = [`mount overlay on ${call.target}: ${err.message}`, ...messagesOf(context)];
    throw new StatusError(err.code, words.join(": "), { cause: err });
  } finally {
    await close(context);
  }
}

async function attach(libc: Libc, context: number, { target, flags }: OverlayCall): Promise<void> {
  const attributes = ATTRIBUTES.reduce((all, [flag, one]) => ((flags & flag) === 0 ? all : all | one), 0);
  const mount = await libc.fsmount(context, attributes);
  try {
    await libc.moveMount(mount, target);
  } finally {
    await close(mount);
  }
}

function settingsOfCall({ source, flags, options }: OverlayCall): Setting[] {
  const readOnly = (flags & MountFlag.rdonly) === 0 ? [] : [{ key: "ro", value: null }];
  return [{ key: "source", value: source }, ...readOnly, ...options.flatMap(settingsOf)];
}

function settingsOf(option: string): Setting[] {
  const layers = lowerDirsOf(option);
  if (layers !== undefined) return layers.map((value) => ({ key: "lowerdir+", value }));
  const equals = option.indexOf("=");
  if (equals < 0) return [{ key: option, value: null }];
  return [{ key: option.slice(0, equals), value: option.slice(equals + 1) }];
}

/** What the kernel has to say about a failure: one message a read, `e overlay: …`, until there is no more. */
function messagesOf(context: number): string[] {
  const messages: string[] = [];
  const buffer = Buffer.alloc(4096);
  try {
    for (;;) {
      const length = fs.readSync(context, buffer);
      if (length === 0) return messages;
      messages.push(buffer.toString("utf8", 0, length).trim());
    }
  } catch {
    return messages;
  }
}
