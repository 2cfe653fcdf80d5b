import { mkdirSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { EventReceiver } from "../../../src/client/event-receiver.ts";
import { containerd, events, taskV2 } from "../../../src/proto/index.ts";
import { connect, createClient, type Handlers, Server } from "../../../src/ttrpc/index.ts";
import { script } from "../../support/files.ts";
import { scratchDir } from "../support.ts";
import { type SupervisorPlace, supervisorPlace } from "./supervisor-place.ts";

const { Status } = containerd.v1.types;

type Task = { -readonly [Name in keyof Handlers<typeof taskV2>]?: Handlers<typeof taskV2>[Name] };

/** What a fake shim knows of its container. */
interface Fake {
  readonly pid: number;
  status: number;
  exitStatus: number;
}

/**
 * Shims that are this process: a script answers `start` with the address of one server here, which has all their
 * containers and does what the test wants. Its `delete` says that the container has ended with 42.
 */
export class FakeShims {
  /** The shim to name in a configuration. */
  readonly runtime: string;
  readonly containers = new Map<string, Fake>();
  readonly deleted: string[] = [];
  /** Replaces what the server does. */
  readonly task: Task = {};
  readonly #events: string;
  #server: Server | undefined;
  readonly #socket: string;
  #pids = 1000;

  constructor(dir: string, stateDir: string) {
    this.#socket = path.join(dir, "shims.sock");
    this.#events = EventReceiver.addressIn(path.join(stateDir, "events"));
    // Field 2 (exit_status) is 42.
    // Each has a name of its own for the socket, as it is removed after it.
    const answer = `while [ $# -gt 1 ]; do [ "$1" = -id ] && id=$2; shift; done
case $1 in
start) ln -sf ${this.#socket} ${dir}/shim-$id.sock; echo unix://${dir}/shim-$id.sock ;;
delete) printf '\\020\\052' ;;
esac`;
    this.runtime = script(dir, "fake-shim", answer);
    after(() => this.stop());
  }

  /** Serves, from now on. */
  async serve(): Promise<void> {
    const server = new Server().register(taskV2, this.#handlers());
    this.#server = server;
    await server.listen({ path: this.#socket });
  }

  /** All of them die. */
  async stop(): Promise<void> {
    await this.#server?.close();
  }

  /** Sends events as a shim does: resolves when they were taken. */
  async tell(
    ...list: readonly [name: "TaskCreate" | "TaskStart" | "TaskPaused" | "TaskExit", fields: object][]
  ) {
    const connection = await connect(`unix://${this.#events}`);
    try {
      for (const [name, fields] of list) {
        const value = containerd.events[name].encode(fields).finish();
        const event = { typeUrl: `containerd.events.${name}`, value };
        const envelope = { topic: "/tasks/any", namespace: "any", event };
        await createClient(events, connection).forward({ envelope }, { timeoutMs: 10_000 });
      }
    } finally {
      connection.close();
    }
  }

  /** Ends a container; resolves when the supervisor has heard of it. */
  async end(id: string, exitStatus: number): Promise<void> {
    const fake = this.containers.get(id);
    if (fake === undefined) throw new Error(`no container ${id}`);
    Object.assign(fake, { status: Status.STOPPED, exitStatus });
    await this.tell(["TaskExit", { containerId: id, id, pid: fake.pid, exitStatus }]);
  }

  #handlers(): Task {
    const of = (id: string) => this.containers.get(id) ?? { pid: 0, status: Status.STOPPED, exitStatus: 0 };
    const usual = {
      create: async ({ id }) => {
        this.#pids += 1;
        this.containers.set(id, { pid: this.#pids, status: Status.CREATED, exitStatus: 0 });
        return { pid: this.#pids };
      },
      start: async ({ id }) => {
        of(id).status = Status.RUNNING;
        return { pid: of(id).pid };
      },
      state: async ({ id }) => of(id),
      kill: async ({ id, signal }) => {
        void this.end(id, 128 + signal).catch(() => {});
        return {};
      },
      resume: async () => ({}),
      wait: async ({ id }) => of(id),
      delete: async ({ id }) => {
        this.deleted.push(id);
        return of(id);
      },
      shutdown: async () => ({}),
    } satisfies Task;
    const call = (name: keyof typeof usual) => (request: never, context: never) =>
      ((this.task[name] ?? usual[name]) as (request: never, context: never) => object)(request, context);
    return Object.fromEntries(Object.keys(usual).map((name) => [name, call(name as keyof typeof usual)]));
  }
}

/** Fake shims, and a place for supervisors that launch them. */
export function fakeShimsPlace(namespace: string): {
  readonly shims: FakeShims;
  readonly place: SupervisorPlace;
} {
  const dir = scratchDir();
  const stateDir = path.join(dir, "state");
  const rootfs = path.join(dir, "rootfs");
  mkdirSync(rootfs);
  const shims = new FakeShims(dir, stateDir);
  const leftovers = async () => [];
  return { shims, place: supervisorPlace({ stateDir, rootfs, namespace, leftovers }, shims.runtime) };
}
