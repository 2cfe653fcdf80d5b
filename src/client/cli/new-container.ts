import { hasCode, StatusCode } from "../../base/status.ts";
import type { SupervisorClient } from "../daemon/connect-supervisor.ts";
import type { ContainerConfig } from "../daemon/container-config.ts";
import type { Ending } from "../daemon/status.ts";
import { configToWire, endingFromWire } from "../daemon/wire.ts";
import type { StdioPaths } from "../stdio.ts";
import type { AttachedProcess } from "./attached.ts";
import type { WindowSize } from "./caller-terminal.ts";
import type { SupervisorLink } from "./supervisor-link.ts";

/** A container that is made to be run right away, by the supervisor. */
export class NewContainer implements AttachedProcess {
  readonly #link: SupervisorLink;
  readonly #config: ContainerConfig;
  readonly #onRecorded: () => void;
  #creating: Promise<unknown> | undefined;
  #ending: Promise<Ending> | undefined;

  /** @param onRecorded called once it is on record, which keeps the layers that it is made of */
  constructor(link: SupervisorLink, config: ContainerConfig, onRecorded: () => void = () => {}) {
    this.#link = link;
    this.#config = config;
    this.#onRecorded = onRecorded;
  }

  async create(stdio: Partial<StdioPaths>): Promise<void> {
    this.#creating = this.#link.calls.create({ config: configToWire(this.#config), stdio });
    await this.#creating;
    this.#onRecorded();
  }

  async start(): Promise<void> {
    const { id } = this.#config;
    // Asked for before it starts: once it has ended, it may be removed before anybody asks.
    this.#ending = this.#link.persist((calls) => calls.wait({ id })).then(endingFromWire);
    this.#ending.catch(() => {});
    let isAskedAgain = false;
    await this.#link.persist(async (calls) => {
      // A supervisor that was killed before it has answered may have started it.
      if (isAskedAgain && !(await waitsForStart(calls, id))) return;
      isAskedAgain = true;
      await calls.start({ id });
    });
  }

  wait(): Promise<Ending> {
    return this.#ending ?? Promise.reject(new Error(`container ${this.#config.id} was not started`));
  }

  async kill(signal: number): Promise<void> {
    await this.#link.calls.kill({ id: this.#config.id, signal });
  }

  async resize(size: WindowSize): Promise<void> {
    await this.#link.calls.resizePty({ id: this.#config.id, ...size });
  }

  async closeStdin(): Promise<void> {
    await this.#link.calls.closeStdin({ id: this.#config.id });
  }

  /** One that has ended stays, unless it was said otherwise; one that has not come to run never does. */
  async settle(ended: boolean): Promise<void> {
    if (this.#creating === undefined || (ended && !this.#config.autoRemove)) return;
    const created = await this.#creating.then(
      () => true,
      () => false,
    );
    if (created) await this.remove();
  }

  async remove(): Promise<void> {
    const { id } = this.#config;
    await this.#link
      .persist((calls) => calls.remove({ id, force: true }))
      .catch((error: unknown) => {
        if (!hasCode(error, StatusCode.notFound)) throw error;
      });
  }
}

/** Whether a container is there and was never started. */
async function waitsForStart(calls: SupervisorClient, id: string): Promise<boolean> {
  try {
    const { status } = await calls.find({ idOrPrefix: id });
    return status?.phase === "created";
  } catch (error) {
    if (hasCode(error, StatusCode.notFound)) return false;
    throw error;
  }
}
