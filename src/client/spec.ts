/** One mount of an OCI spec. */
export interface SpecMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options?: readonly string[];
}

/** The part of the OCI runtime spec (config.json) that this client writes. */
export interface OciSpec {
  ociVersion: string;
  process: {
    terminal: boolean;
    user: { uid: number; gid: number; additionalGids?: number[] };
    args: string[];
    env: string[];
    cwd: string;
    capabilities: Record<"bounding" | "effective" | "permitted", string[]>;
    rlimits: { type: string; hard: number; soft: number }[];
    noNewPrivileges: boolean;
  };
  root: { path: string; readonly: boolean };
  hostname: string;
  mounts: SpecMount[];
  annotations?: Record<string, string>;
  linux: {
    resources: Record<string, unknown>;
    cgroupsPath: string;
    namespaces: { type: string; path?: string }[];
    maskedPaths: string[];
    readonlyPaths: string[];
    [more: string]: unknown;
  };
}

/** Who a process is in a container. */
export interface SpecUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

/** What a user says about a process in a container; everything else has containerd's defaults. */
export interface SpecOptions {
  readonly namespace: string;
  readonly id: string;
  /** The program and its arguments; at least one word. */
  readonly args: readonly string[];
  /** `NAME=value` words; of several with one name, the default PATH included, the last one counts. */
  readonly env?: readonly string[];
  /** Working directory inside the container; `/` if not given. */
  readonly cwd?: string;
  /** The id if not given, as far as the kernel takes it. */
  readonly hostname?: string;
  /** The container may not write to its rootfs. */
  readonly readOnly?: boolean;
  /** `/<namespace>/<id>` if not given. */
  readonly cgroupsPath?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Mounts in addition to the default ones. */
  readonly mounts?: readonly SpecMount[];
  /** Root if not given. */
  readonly user?: SpecUser;
  /** The process has a terminal, of a kind that every image knows. */
  readonly terminal?: boolean;
  /** How much memory it may have. */
  readonly memoryBytes?: number;
  /** How many processors' time it may take, as 0.5. */
  readonly cpus?: number;
  /** With `host` it has no network namespace of its own. */
  readonly network?: "none" | "host";
}

/** The longest host name that the kernel takes. */
const MAX_HOSTNAME = 64;
/** The period of a processor limit, in microseconds: the kernel's own. */
const CPU_PERIOD_US = 100_000;
/** The shortest quota that the kernel takes, in microseconds. */
const MIN_CPU_QUOTA_US = 1_000;

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

const NAMESPACES = ["pid", "ipc", "uts", "mount", "network"];

const GUARDED = ["nosuid", "noexec", "nodev"];
const SMALL_TMPFS = ["nosuid", "strictatime", "mode=755", "size=65536k"];

const MOUNTS: readonly SpecMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: GUARDED },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: SMALL_TMPFS },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: [...GUARDED, "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: GUARDED },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: [...GUARDED, "ro"] },
  { destination: "/run", type: "tmpfs", source: "tmpfs", options: SMALL_TMPFS },
];

const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/**
 * An OCI spec with the defaults that containerd gives a container of its own: own pid, ipc, uts, mount and
 * network namespaces, its default capabilities and mounts, no new privileges, cgroup `/<namespace>/<id>`.
 */
export function defaultSpec(options: SpecOptions): OciSpec {
  const { namespace, id, annotations } = options;
  return {
    ociVersion: "1.0.2",
    process: defaultProcess(options),
    root: { path: "rootfs", readonly: options.readOnly ?? false },
    hostname: options.hostname ?? id.slice(0, MAX_HOSTNAME),
    mounts: [...MOUNTS, ...(options.mounts ?? [])],
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    linux: {
      resources: resourcesOf(options),
      cgroupsPath: options.cgroupsPath ?? `/${namespace}/${id}`,
      namespaces: NAMESPACES.filter((type) => type !== "network" || options.network !== "host").map(
        (type) => ({ type }),
      ),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
}

function resourcesOf({ memoryBytes, cpus }: SpecOptions): Record<string, unknown> {
  const quota = Math.max(MIN_CPU_QUOTA_US, Math.round((cpus ?? 0) * CPU_PERIOD_US));
  return {
    devices: [{ allow: false, access: "rwm" }],
    ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes } }),
    ...(cpus === undefined ? {} : { cpu: { quota, period: CPU_PERIOD_US } }),
  };
}

function defaultProcess(options: SpecOptions): OciSpec["process"] {
  const terminal = options.terminal ?? false;
  return {
    terminal,
    user: specUser(options.user ?? { uid: 0, gid: 0 }),
    args: [...options.args],
    env: mergeEnv([DEFAULT_PATH, ...(terminal ? ["TERM=xterm"] : [])], options.env ?? []),
    cwd: options.cwd ?? "/",
    capabilities: { bounding: [...CAPABILITIES], effective: [...CAPABILITIES], permitted: [...CAPABILITIES] },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  };
}

/** A user as a spec has it. */
export function specUser({ uid, gid, additionalGids = [] }: SpecUser): OciSpec["process"]["user"] {
  return { uid, gid, ...(additionalGids.length === 0 ? {} : { additionalGids: [...additionalGids] }) };
}

/** Two lists of `NAME=value` words as one; of several with one name the last one counts. */
export function mergeEnv(env: readonly string[], more: readonly string[]): string[] {
  // What a runtime does with a name that occurs twice differs, so none does.
  return [...new Map([...env, ...more].map((word) => [word.split("=", 1)[0], word])).values()];
}
