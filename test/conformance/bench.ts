import { mkdirSync } from "node:fs";
import path from "node:path";
import { within } from "../../src/base/deadline.ts";
import { createBundle, defaultSpec, EventReceiver, type LaunchOptions } from "../../src/client/index.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { leftovers, removeByForce, type Traces } from "./leftovers.ts";
import { runcOptions } from "./options.ts";
import { type ContainerPlan, TestContainer } from "./test-container.ts";

/**
 * How long the end of a container may take, in milliseconds: it is five calls and two runs of the OCI runtime, which
 * take seconds each where the processors are busy.
 */
const END_MS = 30_000;

/** When this process started: nothing that a case has left is older. */
const STARTED = readProcessStat(process.pid)?.startTime ?? 0;

/** What is put to the test, and what with. */
export interface Target {
  /** The shim's binary. */
  readonly binary: string;
  /** The OCI runtime that the shim is told to use; its own default if not given. */
  readonly runtimeBinary?: string;
  /** A root file system of busybox, shared by all cases and written to by none. */
  readonly lower: string;
}

/** Where a case makes its containers, as a daemon of its own: own address, own namespace, own events. */
export class Bench {
  readonly target: Target;
  readonly dir: string;
  readonly namespace: string;
  readonly #containers: TestContainer[] = [];
  readonly #atEnd: (() => unknown)[] = [];
  readonly #afterwards: (() => unknown)[] = [];
  #events: EventReceiver | undefined;
  #launched = false;

  private constructor(target: Target, dir: string) {
    this.target = target;
    this.dir = dir;
    this.namespace = path.basename(dir);
  }

  /** Makes the place in a new directory, whose name is the namespace as well. */
  static async open(target: Target, dir: string): Promise<Bench> {
    mkdirSync(dir);
    const bench = new Bench(target, dir);
    await bench.listen();
    return bench;
  }

  /** The daemon's own address. */
  get address(): string {
    return path.join(this.dir, "c.sock");
  }

  /** What takes the shims' events. */
  get events(): EventReceiver {
    if (this.#events === undefined) throw new Error("nobody takes events just now");
    return this.#events;
  }

  /** The daemon goes: shims find nobody who takes events. */
  async stopListening(): Promise<void> {
    await this.#events?.close();
    this.#events = undefined;
  }

  /** The daemon is back, at the same address. */
  async listen(): Promise<void> {
    this.#events = await EventReceiver.listen(path.join(this.dir, "events"));
  }

  /** Does something after the case, whatever comes of it, before its containers are ended; the last one first. */
  atEnd(work: () => unknown): void {
    this.#atEnd.unshift(work);
  }

  /** Does something when the containers have been ended and what is left of them removed. */
  afterwards(work: () => unknown): void {
    this.#afterwards.unshift(work);
  }

  /** A bundle for a container that nobody has been told of yet. */
  async bundle(plan: ContainerPlan = {}): Promise<TestContainer> {
    const id = plan.id ?? `c${this.#containers.length + 1}`;
    const { namespace } = this;
    const { args = ["sleep", "1000"], annotations } = plan;
    const spec = defaultSpec({ namespace, id, args, ...(annotations === undefined ? {} : { annotations }) });
    plan.edit?.(spec);
    const bundle = await createBundle({ root: path.join(this.dir, "bundles"), namespace, id, spec });
    const container = new TestContainer({ bench: this, bundle, plan });
    this.#containers.push(container);
    return container;
  }

  /** How the daemon calls the shim for a container. */
  command(container: TestContainer): LaunchOptions {
    this.#launched = true;
    const { runtimeBinary } = this.target;
    const options = container.plan.options ?? (runtimeBinary === undefined ? undefined : {});
    return {
      binary: this.target.binary,
      namespace: this.namespace,
      id: container.id,
      bundle: container.bundle.path,
      address: this.address,
      ttrpcAddress: path.join(this.dir, "events/ttrpc.sock"),
      ...(options === undefined ? {} : { options: this.options(options) }),
    };
  }

  /** The runtime's options as an Any; with the runtime that the whole run is about, unless they name another. */
  options(fields: Parameters<typeof runcOptions>[0]): ReturnType<typeof runcOptions> {
    const { runtimeBinary } = this.target;
    return runcOptions(runtimeBinary === undefined ? fields : { binaryName: runtimeBinary, ...fields });
  }

  /** A shim for a container that it has not been told to create. */
  async launched(plan: ContainerPlan = {}): Promise<TestContainer> {
    const container = await this.bundle(plan);
    await container.launch();
    return container;
  }

  async created(plan: ContainerPlan = {}): Promise<TestContainer> {
    const container = await this.launched(plan);
    await container.create();
    return container;
  }

  async running(plan: ContainerPlan = {}): Promise<TestContainer> {
    const container = await this.created(plan);
    await container.task.start({ id: container.id });
    return container;
  }

  /** A container whose init has ended, with exit status 7 unless the plan has it otherwise. */
  async stopped(plan: ContainerPlan = {}): Promise<TestContainer> {
    const container = await this.running({ args: ["sh", "-c", "exit 7"], ...plan });
    await container.task.wait({ id: container.id });
    return container;
  }

  /** Ends everything as a daemon would, and returns what is left on the machine then. */
  async end(): Promise<string[]> {
    for (const work of this.#atEnd) await work();
    const problems: string[] = [];
    for (const container of this.#containers) {
      await within(container.end(), END_MS, `the end of ${container.id}`).catch((error: Error) =>
        problems.push(error.message),
      );
    }
    await this.stopListening();
    if (this.#launched) problems.push(...(await leftovers(this.#traces)));
    if (problems.length > 0) await removeByForce(this.#traces);
    for (const container of this.#containers) await container.bundle.remove();
    for (const work of this.#afterwards) await work();
    return problems;
  }

  /** What is there of the case's containers now, apart from what is excused. */
  async left(excused?: (line: string) => boolean): Promise<string[]> {
    return leftovers(this.#traces, excused);
  }

  get #traces(): Traces {
    const { dir, address, namespace } = this;
    const ids = this.#containers.map(({ id }) => id);
    return { roots: [dir], address, namespace, ids, since: STARTED };
  }
}
