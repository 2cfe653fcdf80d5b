import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { RELEASE_MODES } from "../base/release-mode.ts";
import { imagesSchema } from "./images.ts";
import { limitsSchema } from "./limits.ts";

/** The version of the configuration that this schema describes. */
export const CURRENT_VERSION = 2;

/** Whether a call of the OCI runtime's is made, or what it would do is done here. */
export const CALL_WAYS = ["direct", "runtime"] as const;

/** How a container's streams come to it where they are fifos: the fifos themselves, or pipes; `auto` leaves it open. */
export const STDIO_WAYS = ["auto", "direct", "relayed"] as const;

/** The section of the runtime side. */
export const runtimeSchema = {
  type: "object",
  description: "how the shim runs containers",
  properties: {
    release: {
      enum: RELEASE_MODES,
      description:
        "what becomes of a container's unwritten data: `deferred` writes it out after Delete has answered, `strict` before, `volatile` leaves it to the kernel, and `fsync` in the container does nothing",
      $comment: "loses nothing that another shim would not lose, and lets nobody wait",
      default: "deferred",
    },
    start: {
      enum: CALL_WAYS,
      description:
        "how Start has a container run its program: `direct` has runc's init go on by its fifo, `runtime` calls the OCI runtime, as is done in any case where that is not named `runc`, where the container has poststart hooks, and where its init does not go on at once",
      $comment:
        "saves a program of 8 ms; who has a program of their own in runc's place that does more at a start needs the other",
      default: "direct",
    },
    delete: {
      enum: CALL_WAYS,
      description:
        "how Delete removes what runc keeps of a container that has run and ended: `direct` removes its control groups and its state, `runtime` calls the OCI runtime, as is done in any case where that is not named `runc`, where the container has poststop hooks, an intelRdt group, control groups of systemd's or elsewhere than below `/sys/fs/cgroup`, or no pid namespace of its own, and where a control group cannot be removed",
      $comment:
        "saves a program of 10 ms; who has a program of their own in runc's place that does more at a deletion needs the other",
      default: "direct",
    },
    stdio: {
      enum: STDIO_WAYS,
      description:
        "how a container has its stdin, stdout and stderr: `direct` gives it the daemon's fifos themselves, `relayed` pipes, between which and the fifos the shim copies, as is done in any case for the output of an exec; `auto` is `relayed` where SELinux is enabled (`/sys/fs/selinux/enforce` is there), else `direct`",
      $comment:
        "a fifo costs the shim nothing, and the output goes on where the shim is killed; but SELinux may keep containers from fifos that are not of the runtime's type, and CRIU cannot checkpoint who has a fifo of the host's open",
      default: "auto",
    },
    runDirectory: {
      type: "string",
      pattern: "^(/[^/]+)+$",
      description: "where the shims of a host note down for each other what is under way; on a tmpfs",
      $comment: "gone after a restart, as are the processes that its notes are about",
      default: "/run/ebb",
    },
    limits: limitsSchema,
  },
  additionalProperties: false,
  default: {},
} as const satisfies JSONSchema;

/** The host's configuration file, as docs/config.schema.json publishes it. */
export const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "the configuration of ebb on a host, /etc/ebb/config.json",
  type: "object",
  properties: {
    $schema: { type: "string", description: "for editors: where this schema is; ebb does not read it" },
    version: { const: CURRENT_VERSION, description: "the version of the configuration's form" },
    runtime: runtimeSchema,
    images: imagesSchema,
  },
  required: ["version"],
  additionalProperties: false,
} as const satisfies JSONSchema;

/** The runtime section with every setting in it. */
export type RuntimeConfig = FromSchema<typeof runtimeSchema>;

/** The images section with every setting in it. */
export type ImagesConfig = FromSchema<typeof imagesSchema>;

/** A host's configuration, complete. */
export interface Config {
  readonly runtime: RuntimeConfig;
  readonly images: ImagesConfig;
}
