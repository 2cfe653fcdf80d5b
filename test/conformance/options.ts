import { containerd, type google } from "../../src/proto/index.ts";

/** Options of the runc shim, as the daemon hands them over. */
export function runcOptions(fields: containerd.runc.v1.IOptions): google.protobuf.IAny {
  return {
    typeUrl: "containerd.runc.v1.Options",
    value: containerd.runc.v1.Options.encode(fields).finish(),
  };
}

/** JSON of a type of the OCI runtime specification, as the daemon sends it. */
export function specAny(type: string, document: unknown): google.protobuf.IAny {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  return { typeUrl: `types.containerd.io/opencontainers/runtime-spec/1/${type}`, value: Buffer.from(text) };
}
