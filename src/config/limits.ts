import type { JSONSchema } from "json-schema-to-ts";
import { MAX_TIMER_MS } from "../base/deadline.ts";

/** A whole number of milliseconds that a timer of the runtime holds. */
const milliseconds = { type: "integer", minimum: 1, maximum: MAX_TIMER_MS } as const;

/** Every limit of the runtime side: what it is (`description`), and the reason for its default (`$comment`). */
export const limitsSchema = {
  type: "object",
  description: "what waits how long, and how much there may be of it; times are milliseconds",
  properties: {
    serverReadyMs: {
      ...milliseconds,
      description:
        "a server may take that long to claim its socket and answer the daemon; else `start` fails",
      $comment: "a server is there at once, on a host that swaps after seconds; the daemon waits longer",
      default: 10_000,
    },
    standbyAtOnce: {
      type: "integer",
      minimum: 0,
      maximum: 64,
      description:
        "so many shims whose containers have gone stand by, for each daemon, for its next containers, which then need none that has to be started; 0 for none",
      $comment:
        "it spares a short container a quarter of its time and a fifth of the processor time, but processes that outlive their container are not what everybody expects of a shim: `2` is enough for a daemon that runs few containers at a time",
      default: 0,
    },
    standbyMs: {
      ...milliseconds,
      description: "a shim stands by for that long",
      $comment:
        "the next container comes at once where containers are short, and memory is not held for long",
      default: 60_000,
    },
    standbyAnswerMs: {
      ...milliseconds,
      description: "`start` waits that long, in all, for shims that stand by to answer; then it launches one",
      $comment: "one answers within some milliseconds, unless it was stopped or the host swaps",
      default: 1_000,
    },
    standbyContainers: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000,
      description: "a shim serves that many containers or pods one after the other, then it ends",
      $comment: "its start is next to nothing for each by then, and what it may have gathered goes with it",
      default: 100,
    },
    mountMs: {
      ...milliseconds,
      description: "Create waits that long for the mount of the rootfs, its turn included",
      $comment:
        "making an overlay's work directories waits for the disk's journal; the kubelet gives a whole request as much",
      default: 120_000,
    },
    mountsAtOnce: {
      type: "integer",
      minimum: 1,
      maximum: 48,
      description: "that many mounts of one shim may be under way; the others wait for their turn",
      $comment: "each takes a thread while it waits for a disk, and Delete must always find one that is free",
      default: 32,
    },
    pendingMs: {
      ...milliseconds,
      description:
        "Create waits that long for a release of the same upper directory or source that is still under way",
      $comment: "as a rule a sync has ended by then; a caller that comes again is better off with an answer",
      default: 60_000,
    },
    exitMs: {
      ...milliseconds,
      description: "Delete waits that long for the exit of a container that was never started",
      $comment: "a killed process is gone at once unless it sits in an uninterruptible call",
      default: 10_000,
    },
    execExitMs: {
      ...milliseconds,
      description:
        "when its init has ended, a container's other processes have that long to end, and then the exits of its execs that long to be published before the init's",
      $comment: "they are killed and gone at once unless one sits in an uninterruptible call",
      default: 5_000,
    },
    consoleMs: {
      ...milliseconds,
      description: "a container or exec with a terminal waits that long for the runtime to hand it over",
      $comment: "the runtime has sent it by the time it ends; one that sends none is out of order",
      default: 5_000,
    },
    stdioOpenMs: {
      ...milliseconds,
      description:
        "a container or exec of whose streams one is a file (as of `file://`) waits that long for it to open",
      $comment: "a disk that is busy takes seconds; one that hangs must not hold up the caller for ever",
      default: 30_000,
    },
    loggerReadyMs: {
      ...milliseconds,
      description: "a container or exec with a logger (`binary://`) waits that long for it to be ready",
      $comment: "loggers connect to their service first, whose own limits are about as long",
      default: 30_000,
    },
    drainMs: {
      ...milliseconds,
      description:
        "Delete waits that long for the output of a process that has ended: a terminal's that its fifo has no room for, and what a logger has not read; what is left then is dropped",
      $comment: "a caller gives Delete 10 s in all, and only a reader that stalls needs more",
      default: 5_000,
    },
    loggerEndMs: {
      ...milliseconds,
      description: "a logger that has read all its input has that long to end by itself, before SIGTERM",
      $comment:
        "one that ends with its input does so at once, unless SIGTERM kills it while it writes the last of it; one that waits for the signal holds up Delete for as long",
      default: 1_000,
    },
    loggerStopMs: {
      ...milliseconds,
      description: "a logger that has not ended with its input has that long between SIGTERM and SIGKILL",
      $comment:
        "some send what they hold to a slow service first: with `loggerEndMs` these have the 12 s that containerd's own shim gives them",
      default: 11_000,
    },
    statsMs: {
      ...milliseconds,
      description: "Stats waits that long for the figures of a container's control groups",
      $comment:
        "they are there at once, unless the kernel has to add up the memory of very many processors or groups; who asks asks again",
      default: 5_000,
    },
    releaseMs: {
      ...milliseconds,
      description:
        "Delete waits that long for the release of a rootfs that is a block device or of a type it does not know, and in mode `strict` of any; the next Delete goes on waiting",
      $comment: "as long as a mount may take: the disk is the same",
      default: 120_000,
    },
    turnMs: {
      ...milliseconds,
      description:
        "a release waits that long for those before it on the same device, then it goes ahead all the same",
      $comment: "only a disk that is out of order takes longer, and waiting must not go on for ever",
      default: 600_000,
    },
    eventMs: {
      ...milliseconds,
      description: "one attempt to hand an event to the daemon takes no longer than that",
      $comment: "a daemon that works answers at once",
      default: 5_000,
    },
    eventQueue: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000,
      description:
        "that many events wait for a daemon that is away before the oldest other than exits and deletes are given up",
      $comment: "each is small, and a shim serves few containers",
      default: 4_096,
    },
    unusedMs: {
      ...milliseconds,
      description: "a shim that has no container, and whom nobody has called for that long, ends",
      $comment:
        "a daemon that works calls its shim within moments; one that was killed at the wrong time never does again",
      default: 600_000,
    },
    shutdownMs: {
      ...milliseconds,
      description: "the shim goes on that long after Shutdown to send its last events and answers",
      $comment: "the daemon allows the shim some seconds to go, then it kills",
      default: 1_000,
    },
    deleteMs: {
      ...milliseconds,
      description: "the `delete` command takes no longer than that",
      $comment: "stays below the daemon's own limit of 5 s, so that the answer is written before the kill",
      default: 4_500,
    },
  },
  additionalProperties: false,
  default: {},
} as const satisfies JSONSchema;
