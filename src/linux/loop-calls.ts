/** Flags of a loop device; the numbers are those of linux/loop.h. */
export const LoopFlag = { readOnly: 1, autoClear: 4, directIo: 16 } as const;

/** What a loop device is made of. */
export interface LoopConfig {
  /** The open file that it shows as a disk. */
  readonly file: number;
  /** The file's path, for people to read; the kernel keeps its first 63 bytes. */
  readonly name: string;
  readonly flags: number;
}

/**
 * The calls about loop devices (loop(4)), off the main thread; a part of `Libc`, and errors as there. With
 * `autoClear` a device is free again when its last opener has gone, a mount being one.
 */
export interface LoopCalls {
  /** The number of a device that is free, made where there was none. `control` is `/dev/loop-control`, open. */
  getFree(control: number): Promise<number>;
  /**
   * Attaches a file to an open device, in one call where the kernel has it (5.8). One that somebody else was quicker
   * to take is `failedPrecondition`.
   */
  configure(device: number, config: LoopConfig): Promise<void>;
}
