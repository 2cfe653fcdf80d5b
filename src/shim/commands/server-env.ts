import fs from "node:fs";

/**
 * How the runtime of the server is set up to hold little memory: each with what it gained, measured as anonymous
 * memory of a shim with one running container (9.0 MB without any but the first).
 */
const RUNTIME = {
  // A third less memory at the same latency: the server does little but wait.
  BUN_JSC_useJIT: "false",
  // No threads for collecting beside the main one, and no space held ready for what they have not seen yet: 0.3 MB.
  BUN_JSC_useConcurrentGC: "false",
  BUN_JSC_numberOfGCMarkers: "1",
  // So much may be made before garbage is collected, half of the usual. A container's short life makes some 8 MB: at 2 MB
  // three collections took a fifth of all processor time in it, and 5 ms each of Create, Start and Delete.
  BUN_JSC_largeHeapSize: String(16 << 20),
  // A collection each second for half a minute after each call, and later the pages of the executable's own code given
  // up, which would have to come from a disk that may hang: 6 ms of processor time a second. `idle-memory.ts` instead.
  BUN_GC_TIMER_DISABLE: "1",
};

/**
 * Threads for what may sleep on a disk, of which mounts take at most `mountsAtOnce`: Delete finds one that is free
 * however many mounts hang.
 */
const THREADS = 64;

/** The highest score there is: nothing is killed sooner. */
const MAX_OOM_SCORE_ADJ = 1000;

/**
 * The environment that `start` gives the server: its own, and how the runtime is set up. The score is one above the
 * daemon's (our parent's), so that the kernel's OOM killer prefers the shim to the daemon.
 */
export function serverEnv(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...RUNTIME,
    UV_THREADPOOL_SIZE: String(THREADS),
    EBB_OOM_SCORE_ADJ: String(Math.min(MAX_OOM_SCORE_ADJ, oomScoreAdj(process.ppid) + 1)),
  };
}

function oomScoreAdj(pid: number): number {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
  } catch {
    return 0;
  }
}
