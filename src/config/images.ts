import type { JSONSchema } from "json-schema-to-ts";
import { MAX_TIMER_MS } from "../base/deadline.ts";

const milliseconds = { type: "integer", minimum: 1, maximum: MAX_TIMER_MS } as const;
const bytes = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const;
const few = { type: "integer", minimum: 1, maximum: 100 } as const;

/** Every limit of the image side: what it is (`description`), and the reason for its default (`$comment`). */
export const imageLimitsSchema = {
  type: "object",
  description: "what waits how long, and how much there may be of it; times are milliseconds",
  properties: {
    stallMs: {
      ...milliseconds,
      description:
        "a request to a registry that is open and gives no byte for that long is closed, and made again",
      $comment: "lost packets are sent again after some seconds, and a cache may ask another registry first",
      default: 30_000,
    },
    retries: {
      type: "integer",
      minimum: 0,
      maximum: 100,
      description: "so many times a request is made again that broke, stalled or was answered with 5xx",
      $comment: "with a wait that doubles it is half a minute: as long as a registry takes to start again",
      default: 5,
    },
    backoffMs: {
      ...milliseconds,
      description:
        "the wait before a request is made again for the first time; it doubles from one to the next",
      $comment: "what was an accident is over by then",
      default: 1_000,
    },
    blobsAtOnce: {
      ...few,
      description: "that many blobs are fetched at once",
      $comment: "more connections share the same line, and cost a registry more",
      default: 3,
    },
    layersAtOnce: {
      ...few,
      description: "that many layers of an image are unpacked at once",
      $comment: "the disk is the same for all, and unpacking one takes about a processor",
      default: 2,
    },
    maxUnpackedFiles: {
      ...bytes,
      description: "an image with more files than that is refused while it is being unpacked",
      $comment: "several times the most in use, and less than what the smallest disks have inodes for",
      default: 4_000_000,
    },
    maxUnpackMemoryBytes: {
      ...bytes,
      description:
        "an image whose names, links and directories' attributes take more memory than that is refused while it is being unpacked",
      $comment:
        "several times the most in use, at some hundred bytes a file, and not more than most hosts have to spare",
      default: 256 * 2 ** 20,
    },
    lockMs: {
      ...milliseconds,
      description:
        "removing an image waits that long for those that are being fetched, then its files stay for now",
      $comment: "people wait that long; what is left goes with the next removal",
      default: 5_000,
    },
  },
  additionalProperties: false,
  default: {},
} as const satisfies JSONSchema;

/** The section of the image side. */
export const imagesSchema = {
  type: "object",
  description: "how the image side fetches and keeps images",
  properties: {
    directory: {
      type: "string",
      pattern: "^(/[^/]+)+$",
      description: "where images, their unpacked layers and what containers write are kept",
      $comment:
        "as the rules for directories have it (hier(7)): kept over a boot, and may be a disk of its own",
      default: "/var/lib/ebb",
    },
    mirrors: {
      type: "object",
      additionalProperties: { type: "array", items: { type: "string", minLength: 1 } },
      description:
        "who is asked before a registry, by its host: hosts, or addresses with a scheme, the first first",
      $comment: "nobody but the registry is asked for what nobody was told to look for elsewhere",
      default: {},
    },
    insecureRegistries: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "hosts (and ports) that are spoken to by HTTP without TLS",
      $comment: "only registries of this machine, which need not be named, are safe without it",
      default: [],
    },
    syncAfterUnpack: {
      type: "boolean",
      description: "whether an image counts as there only once its files are on the disk",
      $comment: "an image that a power cut left with holes is found out by nobody",
      default: true,
    },
    maxUnpackedBytes: {
      ...bytes,
      description: "an image whose files are larger than that is refused while it is being unpacked",
      $comment: "several times the largest in use, and small enough that one bad image fills few disks",
      default: 64 * 2 ** 30,
    },
    limits: imageLimitsSchema,
  },
  additionalProperties: false,
  default: {},
} as const satisfies JSONSchema;
