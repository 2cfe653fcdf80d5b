/** What `npm start` shows: a container's life with the shim that was built, and the slow disk. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { whyNoSlowDisk } from "../lab/slow-disk.ts";
import { StatusError } from "../src/base/status.ts";
import { resolveShimBinary } from "../src/client/index.ts";
import { readSettings } from "../src/shim/settings.ts";
import { firstContainer } from "./first-container.ts";
import { bold, progress, red, say } from "./paint.ts";
import { type Player, slowDiskScene } from "./slow-disk-scene.ts";
import { withStage } from "./stage.ts";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const CONTROL = "io.containerd.runc.v2";

/** Our shim first, then containerd's own where it is installed. */
function players(shim: string): Player[] {
  const ours = { name: path.basename(shim), runtime: shim };
  try {
    return [ours, { name: path.basename(resolveShimBinary(CONTROL)), runtime: CONTROL }];
  } catch {
    say("containerd-shim-runc-v2 is not installed here, so there is nothing to compare with.");
    return [ours];
  }
}

async function play(shim: string, signal: AbortSignal): Promise<boolean> {
  const noDisk = whyNoSlowDisk();
  const { release } = await readSettings(process.env);
  return withStage(signal, async (stage) => {
    const ran = await firstContainer(stage, shim);
    say();
    if (noDisk === undefined) return (await slowDiskScene(stage, players(shim), release)) && ran;
    say(red(`Left out, as this machine cannot: ${noDisk}`));
    return false;
  });
}

async function main(): Promise<number> {
  const shimOption = {
    shim: { type: "string", default: path.join(root, "dist/containerd-shim-ebb-v2") },
  } as const;
  const { values } = parseArgs({ options: shimOption });
  if (process.getuid?.() !== 0) {
    say(red("Containers need root: call it again as root."));
    return 1;
  }
  const stop = new AbortController();
  let status = 0;
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ] as const) {
    process.on(signal, () => {
      if (status === 0) progress(undefined);
      if (status === 0) say(`${signal}: removing everything that was made`);
      status = 128 + number;
      stop.abort(new Error(signal));
    });
  }
  try {
    const well = await play(values.shim, stop.signal);
    if (status === 0 && well) say(`\n${bold("It all worked.")} Everything made for it is removed again.`);
    return status || (well ? 0 : 1);
  } catch (err) {
    if (status === 0) say(red(`It failed: ${StatusError.from(err).message}`));
    return status || 1;
  }
}

main().then((status) => process.exit(status));
