import { StatusError } from "../../base/status.ts";
import type { ContainerConfig } from "../daemon/container-config.ts";
import type { HeldImage } from "../images.ts";
import { runAttached } from "./attached.ts";
import { ExitStatus, statusOfFailure, UsageError } from "./exit-status.ts";
import { interruptible, tellError } from "./interruptible.ts";
import { NewContainer } from "./new-container.ts";
import { newPipesDirectory } from "./pipes.ts";
import { print } from "./print.ts";
import { imageForRun } from "./run-image.ts";
import { type CheckedRun, containerOf, type ImageSource } from "./run-options.ts";
import { stateDir } from "./state-dir.ts";
import { SupervisorLink } from "./supervisor-link.ts";
import { printable } from "./words.ts";

/** Runs a container of what was checked; resolves to the exit status. What goes wrong is told on stderr. */
export async function runChecked(checked: CheckedRun): Promise<number> {
  const directory = stateDir();
  const { source } = checked;
  if ("rootfs" in source) return run({ checked, directory, config: containerOf(checked, undefined) });
  const image = await obtain(source);
  if (typeof image === "number") return image;
  return run({ checked, directory, config: containerOf(checked, image), image });
}

/** The image, or the exit status where there is none. */
async function obtain({ image, pull }: ImageSource): Promise<HeldImage | number> {
  const held: HeldImage[] = [];
  const status = await interruptible(async (signal) => {
    held.push(await imageForRun(image, { pull, signal }));
    return 0;
  });
  return held[0] ?? (status === ExitStatus.usage ? ExitStatus.failure : status);
}

/** All that a run is about. */
interface Run {
  readonly checked: CheckedRun;
  readonly directory: string;
  readonly config: ContainerConfig;
  readonly image?: HeldImage;
}

async function run({ checked, directory, config, image }: Run): Promise<number> {
  const program = config.args[0] ?? "";
  let link: SupervisorLink | undefined;
  try {
    link = await SupervisorLink.open();
    if (checked.shimLog) void showShimLog(link, config.id);
    const container = new NewContainer(link, config, image?.release);
    if (checked.detach) return await detach(container, config.id);
    const pipes = await newPipesDirectory(directory);
    return await runAttached(container, { stdin: checked.stdin, terminal: config.terminal, program, pipes });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    tellError(error);
    return statusOfFailure(error, program);
  } finally {
    link?.close();
  }
}

/** Goes on until the connection ends; what is wrong with it is nothing to the container. */
async function showShimLog(link: SupervisorLink, id: string): Promise<void> {
  try {
    for await (const { text } of link.calls.shimLog({ id })) process.stderr.write(`${printable(text)}\n`);
  } catch {
    // The command ends, or the supervisor has.
  }
}

async function detach(container: NewContainer, id: string): Promise<number> {
  await container.create({});
  try {
    await container.start();
  } catch (error) {
    // What has failed is the first to tell; a removal that fails, too, is seen in the list.
    await container.remove().catch(() => {});
    throw StatusError.from(error);
  }
  return print(id);
}
