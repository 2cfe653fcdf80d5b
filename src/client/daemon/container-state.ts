import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../../base/json.ts";
import { StatusCode } from "../../base/status.ts";
import { type ContainerStatus, type Ending, newStatus } from "./status.ts";

const stateSchema = {
  type: "object",
  properties: {
    phase: { enum: ["created", "running", "stopped"] },
    pid: { type: "integer", minimum: 0 },
    /** Missing where it has not ended, and where nobody knows how. */
    exitStatus: { type: "integer", minimum: 0 },
    exitedAt: { type: "string" },
    outOfMemory: { type: "boolean" },
  },
  required: ["phase", "pid"],
} as const satisfies JSONSchema;

/** What is on record of how far a container is; there is none while it is still being made. */
export type ContainerState = FromSchema<typeof stateSchema>;

const reader = jsonReader(stateSchema, StatusCode.dataLoss);

/** A state from its JSON; `dataLoss` says what of it is wrong. */
export function parseContainerState(text: string, where: string): ContainerState {
  return reader.parse(text, where);
}

/** What goes on record of a status. */
export function stateOf({ phase, pid, ending, outOfMemory }: ContainerStatus): ContainerState {
  const exitedAt = ending?.exitedAt?.toISOString();
  return {
    phase: phase === "created" || phase === "stopped" ? phase : "running",
    pid,
    outOfMemory,
    ...(ending === undefined ? {} : { exitStatus: ending.exitStatus }),
    ...(exitedAt === undefined ? {} : { exitedAt }),
  };
}

/** What is known of a container by its record alone, until its shim has answered. */
export function statusOf(id: string, state: ContainerState): ContainerStatus {
  const { phase, pid, outOfMemory = false } = state;
  const confirmed = phase === "stopped";
  return newStatus(id, { phase, pid, outOfMemory, confirmed, ending: endingOf(state) });
}

function endingOf({ exitStatus, exitedAt }: ContainerState): Ending | undefined {
  if (exitStatus === undefined) return undefined;
  return { exitStatus, exitedAt: exitedAt === undefined ? undefined : new Date(exitedAt) };
}
