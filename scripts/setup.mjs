/** Brings a fresh machine to where the project builds and runs: npm packages and Debian's programs. */
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fail, root, run, runQuietly, step, which } from "./steps.mjs";

/** Programs that must be in PATH, by the Debian package that brings each. */
const PROGRAMS = {
  runc: "runc",
  busybox: "busybox-static",
  containerd: "containerd",
  "mkfs.ext4": "e2fsprogs",
  losetup: "mount",
  mkfifo: "coreutils",
  tar: "tar",
};

/** Programs that only tests need. */
const TEST_PROGRAMS = {
  crun: "crun",
  zsh: "zsh",
  "docker-registry": "docker-registry",
  zstd: "zstd",
  "fuse-overlayfs": "fuse-overlayfs",
  "mount.fuse3": "fuse3",
};

/** Installs the npm packages of the lock file, unless this very lock file was installed before. */
export function setUpPackages() {
  const lock = path.join(root, "package-lock.json");
  const installed = path.join(root, "node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  step("Installing npm packages", () => runQuietly("npm", ["ci", "--no-audit", "--no-fund"]));
}

/** Installs the programs that are missing, or says which to install and how. */
export function setUpPrograms({ forTests = false } = {}) {
  const programs = Object.entries({ ...PROGRAMS, ...(forTests ? TEST_PROGRAMS : {}) });
  const missing = programs.filter(([program]) => which(program) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(([program]) => program).join(", ");
  const packages = missing.map(([, name]) => name);
  const debian = which("apt-get") !== undefined && /debian/.test(osRelease());
  if (!debian) fail(`missing: ${names}; install them with this system's package manager and call again`);
  if (process.getuid() !== 0) fail(`missing: ${names}; as root: apt-get install ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const patient = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];
  step("Reading Debian's package lists", () => runQuietly("apt-get", [...patient, "update"], { env }));
  const install = [...patient, "install", "-y", "--no-install-recommends", ...packages];
  step(`Installing ${packages.join(", ")}`, () => runQuietly("apt-get", install, { env }));
}

function osRelease() {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}

/** Everything; for programs that want one call. */
export function setUp(options) {
  if (process.platform !== "linux") fail("runs on Linux only: a shim is made of Linux system calls");
  setUpPackages();
  setUpPrograms(options);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  setUp({ forTests: true });
  run("npm", ["--version"]);
}
