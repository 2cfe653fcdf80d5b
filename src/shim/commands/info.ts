import fs from "node:fs";
import { hasCode, StatusCode } from "../../base/status.ts";
import { decodeRuncOptions } from "../../oci/decode-options.ts";
import { parseFeatures } from "../../oci/features.ts";
import { Runc } from "../../oci/runc.ts";
import { containerd } from "../../proto/index.ts";
import { revision, version } from "../version.ts";
import { MAX_STDIN_BYTES, readOptionsAny } from "./bootstrap.ts";
import { readStdin } from "./stdin.ts";

/** The type that the daemon knows the JSON of `runc features` by (OCI runtime-spec, features.md). */
const FEATURES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/**
 * The `-info` command: reads an Any with runtime options from stdin and writes a RuntimeInfo. Without the
 * features in it the daemon offers neither user namespaces nor recursively read-only mounts. An OCI runtime that
 * cannot tell them is no error; one that is not there is `failedPrecondition`.
 *
 * No mount types are announced (annotation `containerd.io/runtime-allow-mounts`, containerd 2.2): that would take them
 * away from the daemon's mount manager, which makes of its own types (`erofs`, `loop`, `format/overlay`, …) what the
 * kernel takes; and what the kernel takes we are handed, and mount, without being announced.
 */
export async function info(): Promise<void> {
  const any = readOptionsAny(await readStdin(MAX_STDIN_BYTES));
  const options = await decodeRuncOptions(any);
  // Without a log: the daemon asks from whatever directory it is in, and nothing is to be left there.
  const runc = new Runc({ binary: options.binaryName || "runc" });
  const features = await readFeatures(runc);
  const runtimeInfo = {
    name: "io.containerd.ebb.v2",
    version: { version, revision },
    options: any ?? null,
    features: features === undefined ? null : { typeUrl: FEATURES_TYPE, value: Buffer.from(features) },
  };
  fs.writeSync(1, containerd.types.RuntimeInfo.encode(runtimeInfo).finish());
}

/** What the runtime prints, as it prints it, where it is a document of features at all. */
async function readFeatures(runc: Runc): Promise<string | undefined> {
  try {
    const text = await runc.features();
    parseFeatures(text, `${runc.binary} features`);
    return text;
  } catch (err) {
    if (hasCode(err, StatusCode.failedPrecondition)) throw err;
    return undefined;
  }
}
