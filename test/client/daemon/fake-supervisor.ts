/**
 * A supervisor without shims: containers that are what is said of them. Run as a program it serves in the state
 * directory of its first argument; the others are its version and its patience in milliseconds.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import type { Served } from "../../../src/client/daemon/server.ts";
import { type ContainerStatus, newStatus } from "../../../src/client/daemon/status.ts";
import { supervise } from "../../../src/client/daemon/supervise.ts";
import type { ContainerView } from "../../../src/client/daemon/supervisor.ts";

/** A container's configuration with the fields that have to be there. */
export function configOf(id: string, more: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    ...{ id, createdAt: "2026-01-02T03:04:05.000Z", runtime: "/bin/shim", lowerDirs: ["/srv/rootfs"] },
    ...{ readOnly: false, args: ["sh"], env: [], cwd: "/", terminal: false, mounts: [], network: "none" },
    ...{ autoRemove: false, logged: false },
    ...more,
  };
}

/** What was asked of it, and what it is to answer. */
export class FakeSupervisor implements Served {
  readonly asked: unknown[][] = [];
  readonly views = new Map<string, ContainerView>();
  closed = false;

  put(config: ContainerConfig, status: Partial<ContainerStatus> = {}): ContainerView {
    const view = { config, status: newStatus(config.id, { phase: "created", ...status }) };
    this.views.set(config.id, view);
    return view;
  }

  list = () => [...this.views.values()];

  find = (id: string) => {
    const view = this.views.get(id);
    if (view === undefined) throw new StatusError(StatusCode.notFound, `there is no container ${id}`);
    return view;
  };

  create = async (config: ContainerConfig, ...more: unknown[]) => {
    this.asked.push(["create", config.id, ...more]);
    return this.put(config);
  };

  start = (...words: unknown[]) => this.#answer("start", words, 42);
  exec = (...words: unknown[]) => this.#answer("exec", words, 43);
  kill = (...words: unknown[]) => this.#answer("kill", words, undefined);
  stop = (...words: unknown[]) => this.#answer("stop", words, { exitStatus: 143, exitedAt: new Date(5) });
  pause = (...words: unknown[]) => this.#answer("pause", words, undefined);
  resume = (...words: unknown[]) => this.#answer("resume", words, undefined);
  resize = (...words: unknown[]) => this.#answer("resize", words, undefined);
  closeStdin = (...words: unknown[]) => this.#answer("closeStdin", words, undefined);
  remove = (...words: unknown[]) => this.#answer("remove", words, undefined);
  stats = (...words: unknown[]) =>
    this.#answer("stats", words, { typeUrl: "figures", value: Buffer.from("7") });

  wait = (id: string, execId?: string) =>
    this.#answer("wait", [id, execId], { exitStatus: 3, exitedAt: undefined });

  async *events() {
    const common = { topic: "/tasks/other", namespace: "ebb", timestamp: new Date(1_500) };
    yield { ...common, type: "unknown" as const, typeUrl: "other", value: Buffer.from("x") };
    await new Promise(() => {});
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #answer<T>(name: string, words: readonly unknown[], answer: T): Promise<T> {
    this.asked.push([name, ...words]);
    return answer;
  }
}

/** The words that run this file as a program. */
export function fakeCommand(...args: string[]): string[] {
  return [process.execPath, fileURLToPath(import.meta.url), ...args];
}

if (realpathSync(process.argv[1] ?? "/") === fileURLToPath(import.meta.url)) {
  const [stateDir = "", version = "", idleMs = "60000", alive = ""] = process.argv.slice(2);
  if (version === "broken") {
    process.stderr.write("ebb: nothing works today\n");
    process.exit(1);
  }
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort());
  const supervisor = new FakeSupervisor();
  if (alive !== "") supervisor.put(configOf(alive), { phase: "running" });
  await supervise({
    stateDir,
    version,
    idleMs: Number(idleMs),
    open: async () => supervisor,
    signal: stop.signal,
  });
}
