/** A registry of one's own: Debian's docker-registry on a free port of this machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { makeBusyboxRootfs } from "./busybox-rootfs.ts";
import { writeImageLayout } from "./image.ts";
import { type PushedImage, pushImage } from "./push-image.ts";
import { until } from "./until.ts";

const PROGRAM = "docker-registry";
const USER = { username: "ebb", password: "bread and salt" } as const;
/** The password of {@link USER} as htpasswd writes it: bcrypt, which is all that the registry takes. */
const HTPASSWD = `${USER.username}:$2b$04$abcdefghijklmnopqrstuutPjua1GxdEdluEbbSc9IHup1gyGxoC.\n`;

/** How to start a registry. */
export interface LabRegistryOptions {
  /** Lets nobody in but {@link LabRegistry.user}. */
  readonly basicAuth?: boolean;
}

/** A registry that runs. */
export interface LabRegistry {
  /** Host and port. */
  readonly host: string;
  /** Who is let in; undefined where everybody is. */
  readonly user: { readonly username: string; readonly password: string } | undefined;
  /** Makes an image of a root file system, compressed, and pushes it under a name (`test/app:1`). */
  push(rootfs: string, name: string, cmd?: readonly string[]): Promise<PushedImage>;
  /** Pushes an image of this machine's busybox, which runs a shell. */
  pushBusybox(name?: string): Promise<PushedImage>;
  /** What it has logged: a line for each request among others. */
  log(): string;
  /** Ends it and removes what it had. Repeatable. */
  dispose(): Promise<void>;
}

/** Why this machine cannot run one, or undefined where it can. */
export function whyNoRegistry(): string | undefined {
  const dirs = ["/usr/local/bin", "/usr/bin"];
  return dirs.some((dir) => existsSync(path.join(dir, PROGRAM))) ? undefined : `${PROGRAM} is not installed`;
}

/** Starts a registry and waits until it serves. */
export async function startRegistry({ basicAuth = false }: LabRegistryOptions = {}): Promise<LabRegistry> {
  const home = mkdtempSync(path.join(os.tmpdir(), "ebb-registry-"));
  const registry = new Registry(home, basicAuth ? USER : undefined);
  try {
    await registry.start();
  } catch (thrown) {
    await registry.dispose();
    throw thrown;
  }
  return registry;
}

class Registry implements LabRegistry {
  host = "";
  readonly user: LabRegistry["user"];
  readonly #home: string;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #ended: Promise<void> | undefined;

  constructor(home: string, user: LabRegistry["user"]) {
    this.#home = home;
    this.#logFile = path.join(home, "log");
    this.user = user;
  }

  async start(): Promise<void> {
    const config = path.join(this.#home, "config.yml");
    writeFileSync(path.join(this.#home, "htpasswd"), HTPASSWD);
    writeFileSync(config, JSON.stringify(this.#config()));
    const log = openSync(this.#logFile, "a");
    const child = spawn(PROGRAM, ["serve", config], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    let failure: string | undefined;
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        failure = how;
        resolve();
      };
      child.once("error", (error) => end(error.message));
      child.once("exit", (code, signal) => end(`it ended with ${code ?? signal}`));
    });
    this.host = await until("a registry", () => {
      if (failure !== undefined) throw new Error(`${PROGRAM}: ${failure}: ${this.log()}`);
      return /listening on (127\.0\.0\.1:\d+)/.exec(this.log())?.[1];
    });
  }

  async push(rootfs: string, name: string, cmd?: readonly string[]): Promise<PushedImage> {
    const layout = mkdtempSync(path.join(this.#home, "layout-"));
    try {
      await writeImageLayout(rootfs, { name, gzip: true, ...(cmd && { cmd }) }, layout);
      return await pushImage(this, layout, name);
    } finally {
      rmSync(layout, { recursive: true, force: true });
    }
  }

  async pushBusybox(name = "test/busybox:latest"): Promise<PushedImage> {
    const rootfs = mkdtempSync(path.join(this.#home, "rootfs-"));
    try {
      await makeBusyboxRootfs(rootfs);
      return await this.push(rootfs, name);
    } finally {
      rmSync(rootfs, { recursive: true, force: true });
    }
  }

  log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, "utf8") : "";
  }

  async dispose(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** Its configuration, as JSON, which is YAML. */
  #config(): object {
    const htpasswd = { realm: "ebb", path: path.join(this.#home, "htpasswd") };
    return {
      version: "0.1",
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: path.join(this.#home, "storage") } },
      http: { addr: "127.0.0.1:0", secret: "of no use to anybody" },
      ...(this.user && { auth: { htpasswd } }),
    };
  }
}
