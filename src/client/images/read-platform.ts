import { StatusCode, StatusError } from "../../base/status.ts";
import type { Platform } from "../../images/descriptor.ts";
import { hostPlatform } from "../../images/platform.ts";

/** A platform as people write it (`linux/arm/v7`); this host's where nobody names one. */
export function readPlatform(text: string | undefined): Platform {
  if (text === undefined) return hostPlatform();
  const [, os = "", architecture = "", variant] =
    /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text) ?? [];
  if (os !== "") return { os, architecture, ...(variant !== undefined && { variant }) };
  const message = `platform ${JSON.stringify(text)} is not os/architecture[/variant], such as linux/arm64`;
  throw new StatusError(StatusCode.invalidArgument, message);
}
