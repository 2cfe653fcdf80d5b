import { StatusCode, StatusError } from "../base/status.ts";
import { containerd } from "../proto/index.ts";
import type { AnyMessage } from "./options.ts";
import type { CheckpointOptions } from "./runc-args.ts";

const TYPE = "containerd.runc.v1.CheckpointOptions";
const CGROUPS_MODES = ["soft", "full", "strict"] as const;

/**
 * What a Checkpoint request asks of the OCI runtime. Without options the container runs on. `path` is where the
 * image goes; the options may name it instead. Options of another type, or with a mode for cgroups that is none,
 * are `invalidArgument`, as is an image without a path.
 */
export function readCheckpointOptions(path: string, any: AnyMessage | null | undefined): CheckpointOptions {
  const given = decode(any);
  const imagePath = path || given.imagePath;
  if (imagePath === "") throw invalid("a checkpoint needs a path for its image");
  return {
    imagePath,
    leaveRunning: !given.exit,
    tcpEstablished: given.openTcp,
    externalUnixSockets: given.externalUnixSockets,
    shellJob: given.terminal,
    fileLocks: given.fileLocks,
    emptyNamespaces: given.emptyNamespaces,
    ...(given.cgroupsMode !== "" && { manageCgroupsMode: cgroupsMode(given.cgroupsMode) }),
    ...(given.workPath !== "" && { workPath: given.workPath }),
    ...(given.parentPath !== "" && { parentPath: given.parentPath }),
  };
}

function decode(any: AnyMessage | null | undefined): containerd.runc.v1.CheckpointOptions {
  const typeUrl = any?.typeUrl ?? "";
  const value = any?.value ?? new Uint8Array();
  if (typeUrl !== "" && typeUrl.slice(typeUrl.lastIndexOf("/") + 1) !== TYPE) {
    throw invalid(`checkpoint options of type ${JSON.stringify(typeUrl)} are not known here: ${TYPE} is`);
  }
  try {
    return containerd.runc.v1.CheckpointOptions.decode(value);
  } catch (cause) {
    throw new StatusError(StatusCode.invalidArgument, `checkpoint options are no ${TYPE}`, { cause });
  }
}

function cgroupsMode(mode: string): (typeof CGROUPS_MODES)[number] {
  const known = CGROUPS_MODES.find((one) => one === mode);
  if (known !== undefined) return known;
  throw invalid(`cgroups mode ${JSON.stringify(mode)} is not one of ${CGROUPS_MODES.join(", ")}`);
}

function invalid(message: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, message);
}
