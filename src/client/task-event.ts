import { containerd, type google } from "../proto/index.ts";
import { toDate } from "./time.ts";

const { events } = containerd;

/** Every event that a shim sends, by the full name of its message. */
const EVENT_TYPES = {
  "containerd.events.TaskCreate": events.TaskCreate,
  "containerd.events.TaskStart": events.TaskStart,
  "containerd.events.TaskDelete": events.TaskDelete,
  "containerd.events.TaskExit": events.TaskExit,
  "containerd.events.TaskOOM": events.TaskOOM,
  "containerd.events.TaskExecAdded": events.TaskExecAdded,
  "containerd.events.TaskExecStarted": events.TaskExecStarted,
  "containerd.events.TaskPaused": events.TaskPaused,
  "containerd.events.TaskResumed": events.TaskResumed,
  "containerd.events.TaskCheckpointed": events.TaskCheckpointed,
} as const;

type EventTypes = typeof EVENT_TYPES;

/** The envelope's fields, the same for every event. */
interface Envelope {
  readonly topic: string;
  readonly namespace: string;
  readonly timestamp: Date | undefined;
}

/** An event of a type that is known here, decoded; `type` says which. */
export type KnownTaskEvent = {
  [Name in keyof EventTypes]: Envelope & {
    readonly type: Name;
    readonly event: InstanceType<EventTypes[Name]>;
  };
}[keyof EventTypes];

/** An event of any other type, or one that did not decode as what it says it is. */
export interface UnknownTaskEvent extends Envelope {
  readonly type: "unknown";
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** An event as a shim sent it. */
export type TaskEvent = KnownTaskEvent | UnknownTaskEvent;

/** Decodes an envelope. Never throws: what is not understood comes as `unknown` with its bytes. */
export function decodeEnvelope(envelope: containerd.types.IEnvelope): TaskEvent {
  const common: Envelope = {
    topic: envelope.topic ?? "",
    namespace: envelope.namespace ?? "",
    timestamp: toDate(envelope.timestamp),
  };
  return decodeKnown(common, envelope.event) ?? unknownEvent(common, envelope.event);
}

/** The message of an event with its type, as an envelope carries it. */
export function encodeEvent(event: TaskEvent): google.protobuf.IAny {
  if (event.type === "unknown") return { typeUrl: event.typeUrl, value: event.value };
  // The union has tied each message to the class of its type.
  const { encode } = EVENT_TYPES[event.type] as {
    encode(message: KnownTaskEvent["event"]): { finish(): Uint8Array };
  };
  return { typeUrl: event.type, value: encode(event.event).finish() };
}

function decodeKnown(common: Envelope, any: google.protobuf.IAny | null | undefined): TaskEvent | undefined {
  const type = (any?.typeUrl ?? "").replace(/^.*\//, "");
  if (!Object.hasOwn(EVENT_TYPES, type)) return undefined;
  try {
    const event = EVENT_TYPES[type as keyof EventTypes].decode(any?.value ?? new Uint8Array());
    return { ...common, type, event } as KnownTaskEvent;
  } catch {
    return undefined;
  }
}

function unknownEvent(common: Envelope, any: google.protobuf.IAny | null | undefined): UnknownTaskEvent {
  return { ...common, type: "unknown", typeUrl: any?.typeUrl ?? "", value: any?.value ?? new Uint8Array() };
}
