import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import type { ReleaseMode } from "../../base/release-mode.ts";
import type { ContainerConfig } from "../daemon/container-config.ts";
import { checkIdentifier } from "../identifier.ts";
import type { ReadyImage } from "../images.ts";
import { resolveShimBinary } from "../shim-binary.ts";
import { naming } from "./command.ts";
import { UsageError } from "./exit-status.ts";
import { readCpus, readDirectory, readMemory, readUser, readVariable, readVolume } from "./values.ts";

/** The flags of `ebb run` as they are typed. */
export interface RunFlags {
  readonly rootfs?: string;
  readonly runtime: string;
  readonly pull?: Pull;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly rm?: boolean;
  readonly name?: string;
  readonly hostname?: string;
  readonly user?: string;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly volume?: readonly string[];
  readonly memory?: string;
  readonly cpus?: string;
  readonly readOnly?: boolean;
  readonly shimLog?: boolean;
  readonly net?: ContainerConfig["network"];
  readonly release?: ReleaseMode;
}

/** An image that a container is made of. */
export interface ImageSource {
  readonly image: string;
  readonly pull: Pull;
}

/** The flags after every one of them was looked at. */
export interface CheckedRun {
  /** What the container's root file system is made of. */
  readonly source: { readonly rootfs: string } | ImageSource;
  /** The words behind that. */
  readonly words: readonly string[];
  readonly detach: boolean;
  readonly stdin: boolean;
  readonly shimLog: boolean;
  /** What a container is made with, whatever it is made of; what is undefined is for the image to say. */
  readonly settings: Omit<ContainerConfig, "image" | "lowerDirs" | "args" | "cwd"> & {
    readonly cwd?: string;
  };
}

/** When an image is fetched. */
export const PULLS = ["missing", "always", "never"] as const;
type Pull = (typeof PULLS)[number];

/** What a container sees of networks. */
export const NETWORKS = ["none", "host"] as const;

/** Checks each flag and the words behind them; throws a {@link UsageError} that names what is wrong. */
export function checkRun(flags: RunFlags, words: readonly string[]): CheckedRun {
  const { rootfs, detach = false } = flags;
  const [image, ...rest] = words;
  // Flags behind the image are the command's, so one that is not known counts as the image.
  if (image?.startsWith("-")) throw new UsageError(`unknown option ${image}`);
  if (detach && flags.interactive) throw new UsageError("--interactive has no meaning with --detach");
  if (image === undefined) throw new UsageError(missing(rootfs));
  const source =
    rootfs === undefined ? { image, pull: flags.pull ?? "missing" } : { rootfs: checkRootfs(rootfs) };
  return {
    source,
    words: rootfs === undefined ? rest : words,
    detach,
    stdin: !detach && wantsStdin(flags),
    shimLog: flags.shimLog ?? false,
    settings: settingsOf(flags),
  };
}

function missing(rootfs: string | undefined): string {
  return rootfs === undefined ? "an image or --rootfs is missing" : "the command for --rootfs is missing";
}

/** What is piped in is the container's in any case; a terminal's keys are where they were asked for. */
export function wantsStdin({
  interactive = false,
  tty = false,
}: Pick<RunFlags, "interactive" | "tty">): boolean {
  const { isTTY = false } = process.stdin;
  if (interactive && tty && !isTTY) {
    throw new UsageError("--tty with --interactive needs a terminal, and stdin is none: leave out --tty");
  }
  return interactive || !(isTTY || tty);
}

function settingsOf(flags: RunFlags): CheckedRun["settings"] {
  const { cwd, user, hostname, memory, cpus, release } = flags;
  const env = (flags.env ?? []).map((word) => readVariable(word));
  return {
    id: naming("--name", () => checkIdentifier("name", flags.name ?? randomName())),
    createdAt: new Date().toISOString(),
    runtime: naming("--runtime", () => resolveShimBinary(flags.runtime)),
    readOnly: flags.readOnly ?? false,
    terminal: flags.tty ?? false,
    env: env.filter((word) => word !== undefined),
    mounts: (flags.volume ?? []).map(readVolume),
    network: flags.net ?? "none",
    autoRemove: flags.rm ?? false,
    logged: flags.detach ?? false,
    ...(flags.shimLog && { debug: true }),
    ...(cwd !== undefined && { cwd: readDirectory("--cwd", cwd) }),
    ...(user !== undefined && { user: readUser(user) }),
    ...(hostname !== undefined && { hostname: readHostname(hostname) }),
    ...(memory !== undefined && { memoryBytes: readMemory(memory) }),
    ...(cpus !== undefined && { cpus: readCpus(cpus) }),
    ...(release !== undefined && { releaseMode: release }),
  };
}

function randomName(): string {
  return `ebb-${randomBytes(4).toString("hex")}`;
}

/** The container for these flags, of a directory or of an image, whose own settings are its defaults. */
export function containerOf(run: CheckedRun, image: ReadyImage | undefined): ContainerConfig {
  const { settings, words, source } = run;
  if (image === undefined) {
    const lowerDirs = "rootfs" in source ? [source.rootfs] : [];
    return { cwd: "/", ...settings, lowerDirs, args: [...words] };
  }
  const { entrypoint, cmd, env, workingDir, user, stopSignal } = image.config;
  const args = [...entrypoint, ...(words.length > 0 ? words : cmd)];
  if (args.length === 0) throw new UsageError(`${image.reference} names no command: say which one to run`);
  return {
    ...{ cwd: workingDir, ...(user !== "" && { user }), ...(stopSignal !== "" && { stopSignal }) },
    ...settings,
    env: [...env, ...settings.env],
    image: image.reference,
    lowerDirs: [...image.lowerDirs],
    args,
  };
}

function checkRootfs(dir: string): string {
  const file = path.resolve(dir);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`--rootfs ${dir} does not exist`);
  if (!stats.isDirectory()) throw new UsageError(`--rootfs ${dir} is no directory`);
  return file;
}

/** As the kernel takes one. */
function readHostname(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/.test(text)) return text;
  throw new UsageError(
    `--hostname takes at most 64 letters, digits, dots and hyphens, not ${JSON.stringify(text)}`,
  );
}
