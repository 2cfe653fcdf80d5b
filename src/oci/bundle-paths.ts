import path from "node:path";

/** Where the files of a bundle are. All but the first two are written by the shim or the runtime. */
export interface BundlePaths {
  /** The OCI configuration, written by the daemon. */
  readonly config: string;
  /** Where the root file system is mounted. */
  readonly rootfs: string;
  /** The pid of the container's init, written by the runtime. */
  readonly initPid: string;
  /** The runtime options of the container's Create, as JSON. */
  readonly options: string;
  /** The name of the runtime binary, for shims that know no options.json. */
  readonly runtime: string;
  /** What the runtime logs, as JSON lines. */
  readonly log: string;
  /** The address on which the shim serves. */
  readonly address: string;
  /** How the init ended. */
  readonly exit: string;
  /** That the container was deleted, and what the `delete` command answers then. */
  readonly deleted: string;
  /** A directory for checkpoints. */
  readonly work: string;
  /** What criu logged while a checkpoint failed. */
  readonly criuDumpLog: string;
}

/** The paths of the files in a bundle directory. */
export function bundlePaths(bundle: string): BundlePaths {
  return {
    config: path.join(bundle, "config.json"),
    rootfs: path.join(bundle, "rootfs"),
    initPid: path.join(bundle, "init.pid"),
    options: path.join(bundle, "options.json"),
    runtime: path.join(bundle, "runtime"),
    log: path.join(bundle, "log.json"),
    address: path.join(bundle, "address"),
    exit: path.join(bundle, "exit.json"),
    deleted: path.join(bundle, "deleted"),
    work: path.join(bundle, "work"),
    criuDumpLog: path.join(bundle, "criu-dump.log"),
  };
}

/** Where the files of an exec are: in a directory of its own, so that no exec's name can meet another file's. */
export interface ExecPaths {
  readonly directory: string;
  /** The OCI process, written by the shim for the runtime. */
  readonly spec: string;
  /** Its pid, written by the runtime. */
  readonly pid: string;
  /** What the runtime logs while it starts the exec. */
  readonly log: string;
  /** How it ended. */
  readonly exit: string;
}

/** The paths of an exec's files; its id has been checked (`checkId`). */
export function execPaths(bundle: string, execId: string): ExecPaths {
  const directory = path.join(bundle, `exec.${execId}`);
  return {
    directory,
    spec: path.join(directory, "process.json"),
    pid: path.join(directory, "pid"),
    log: path.join(directory, "log.json"),
    exit: path.join(directory, "exit.json"),
  };
}
