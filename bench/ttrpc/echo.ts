/** What the programs of the ttrpc bench share; the match of client and server in Go is go/main.go. */
import { google } from "../../src/proto/index.ts";

/** A service that answers with what it was asked. */
export const echo = {
  name: "ebb.bench.Echo",
  methods: {
    say: { name: "Say", kind: "unary", input: google.protobuf.Any, output: google.protobuf.Any },
  },
} as const;

/** What a client's run has found, as it prints it. */
export interface Measured {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly perSecond: number;
}

/** What part of its calls a client makes beforehand, uncounted, so that both sides are warm. */
export const WARM_UP = 1 / 4;
