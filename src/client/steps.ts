import { StatusError } from "../base/status.ts";

/** The steps of a container's life, in their order. */
export type StepName = "prepare" | "launch" | "create" | "start" | "wait" | "delete" | "shutdown" | "remove";

/** A step that begins, or that has ended after so many milliseconds, well or with an error. */
export type Step =
  | { readonly name: StepName; readonly state: "begun" }
  | {
      readonly name: StepName;
      readonly state: "ended";
      readonly durationMs: number;
      readonly error?: StatusError;
    };

/** Gets each step as it begins and as it ends. Must not throw. */
export type StepListener = (step: Step) => void;

/** Does the work of a step and tells the listener of it. */
export async function step<T>(
  name: StepName,
  listener: StepListener | undefined,
  work: () => Promise<T>,
): Promise<T> {
  listener?.({ name, state: "begun" });
  const before = performance.now();
  const durationMs = () => performance.now() - before;
  try {
    const result = await work();
    listener?.({ name, state: "ended", durationMs: durationMs() });
    return result;
  } catch (error) {
    listener?.({ name, state: "ended", durationMs: durationMs(), error: StatusError.from(error) });
    throw error;
  }
}
