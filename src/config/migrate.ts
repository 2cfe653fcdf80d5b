import type { JSONSchema } from "json-schema-to-ts";
import { jsonReader } from "../base/json.ts";
import { isObject } from "../base/json-finding.ts";
import { RELEASE_MODES } from "../base/release-mode.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { limitsSchema } from "./limits.ts";
import { CURRENT_VERSION } from "./schema.ts";

/** A form that the configuration had once: what it allowed, and the same said in the next version's form. */
interface OldVersion {
  readonly version: number;
  migrate(document: unknown, where: string): unknown;
}

const { serverReadyMs, mountMs, exitMs, eventMs, eventQueue, shutdownMs, deleteMs } = limitsSchema.properties;

/** Version 1 was flat and knew of the runtime side alone. */
const version1 = jsonReader({
  type: "object",
  properties: {
    version: { const: 1 },
    release: { enum: RELEASE_MODES },
    limits: {
      type: "object",
      properties: { serverReadyMs, mountMs, exitMs, eventMs, eventQueue, shutdownMs, deleteMs },
      additionalProperties: false,
    },
  },
  required: ["version"],
  additionalProperties: false,
} as const satisfies JSONSchema);

/** Every former version, the oldest first. */
const OLD_VERSIONS: readonly OldVersion[] = [
  {
    version: 1,
    migrate(document, where) {
      const { version: _, ...runtime } = version1.check(document, where);
      return { version: 2, runtime };
    },
  },
];

/**
 * A document in the form of the current version, whichever known version it is of. An older one is checked
 * in its own form, so that an error names the places as they are in the file. A newer one than is known is
 * `invalidArgument`; one without a proper version stays as it is, for the current schema to refuse.
 */
export function migrate(document: unknown, where: string): unknown {
  const version = isObject(document) ? document.version : undefined;
  if (!Number.isInteger(version)) return document;
  if (Number(version) > CURRENT_VERSION) {
    const message = `${where}: /version is ${version}, this ebb knows versions up to ${CURRENT_VERSION}`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  const steps = OLD_VERSIONS.filter((old) => old.version >= Number(version));
  if (steps[0]?.version !== version) return document;
  return steps.reduce((form, step) => step.migrate(form, where), document);
}
