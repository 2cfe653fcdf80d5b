import { within } from "../../base/deadline.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";

/** Waits until a process's output has been passed on, at most to the limit, which is logged. Never rejects. */
export async function drain(
  { settings, logger }: Pick<StdioHost, "settings" | "logger">,
  owner: Pick<StdioOwner, "id" | "execId">,
  passedOn: Promise<unknown>,
): Promise<void> {
  try {
    await within(passedOn, settings.drainMs, "passing on the output of an ended process");
  } catch (err) {
    logger.warn("output was not passed on to its end", { ...fieldsOf(owner), err });
  }
}
