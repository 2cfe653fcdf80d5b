import { faultPoint } from "../base/fault-point.ts";

/** One thing that has to be done, by a name that is logged. Doing it again after a failure must be safe. */
export interface Step {
  readonly name: string;
  readonly run: () => Promise<void> | void | undefined;
}

/**
 * Does steps in order and remembers which are done: a call after a failure goes on with the failed one, calls
 * while it runs share that run and its outcome.
 */
export class Steps {
  readonly #steps: readonly Step[];
  #done = 0;
  #running: Promise<void> | undefined;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Resolves when every step is done; rejects with the error of the step that was not. */
  run(): Promise<void> {
    this.#running ??= this.#runRest().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runRest(): Promise<void> {
    for (let step = this.#steps[this.#done]; step !== undefined; step = this.#steps[this.#done]) {
      faultPoint(`before ${step.name}`);
      await step.run();
      faultPoint(`after ${step.name}`);
      this.#done += 1;
    }
  }
}
