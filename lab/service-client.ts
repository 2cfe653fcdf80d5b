import path from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { GrpcConnection } from "./grpc.ts";

/** What .proto files import by the name of its package. */
const PROTO_DIR = fileURLToPath(new URL("../proto", import.meta.url));

/** Calls gRPC services by the names that .proto files give them, with plain objects. */
export class ServiceClient {
  readonly #connection: GrpcConnection;
  readonly #root: protobuf.Root;

  constructor(connection: GrpcConnection, protoFiles: readonly string[]) {
    this.#connection = connection;
    this.#root = new protobuf.Root();
    this.#root.resolvePath = (_origin, target) => path.resolve(PROTO_DIR, target);
    this.#root.loadSync([...protoFiles]);
  }

  /** Calls a method of a service; rejects with the server's words. Enums are read as their names. */
  async call(service: string, name: string, request: object): Promise<Record<string, unknown>> {
    const found = this.#root.lookupService(service);
    const method = found.methods[name];
    method?.resolve();
    const [input, output] = [method?.resolvedRequestType, method?.resolvedResponseType];
    if (!input || !output) throw new Error(`there is no ${service}/${name}`);
    const message = input.encode(input.fromObject(request)).finish();
    const answer = await this.#connection.call(`/${found.fullName.slice(1)}/${name}`, message);
    return output.toObject(output.decode(answer), { enums: String, defaults: true });
  }
}
