/**
 * What the server's environment has beside what the daemon gives to `start`: how its runtime is set up to hold little
 * memory, each with what it gained, measured as anonymous memory of a shim with one running container (9.0 MB without any
 * but the first). The build writes it into front.sh as well.
 */
export const SERVER_ENV = {
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
  // A tenth of the share of processor time that collections of what is new may take by a timer: a short container sees none
  // (6 of 70 ms of its shim), and figures that are asked for each ten seconds not one each time.
  BUN_JSC_percentCPUPerMBForEdenTimer: "0.00025",
  // Threads for what may sleep on a disk, of which mounts take at most `mountsAtOnce`: Delete finds one that is free
  // however many mounts hang.
  UV_THREADPOOL_SIZE: "64",
} as const;
