import { createHash } from "node:crypto";
import { StatusCode, StatusError } from "../base/status.ts";

/** What names content by what it is (OCI image specification, descriptor.md): SHA-256 in lower-case hexadecimal. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The JSON schema of a digest. */
export const digestPattern = DIGEST.source;

/** Whether a text is a digest. One that is has no character that means anything in a path. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The text as a digest; `invalidArgument` that names it where it is none, or one of another algorithm. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const expected = "expected sha256: and 64 lower-case hexadecimal digits";
  throw new StatusError(
    StatusCode.invalidArgument,
    `${JSON.stringify(text)} is not a digest that is known: ${expected}`,
  );
}

/** The hexadecimal digits of a digest, as its file is called. */
export function hexOf(digest: Digest): string {
  return parseDigest(digest).slice("sha256:".length);
}

/** The digest of bytes that are in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
