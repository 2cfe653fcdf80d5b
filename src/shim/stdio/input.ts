/** A process's input, opened. */
export interface Input {
  /** The end to read from: a descriptor that blocks, and that whoever opened the input closes. */
  readonly childFd: number;
  /** Lets the reader see the end once the daemon's writers are gone as well; repeatable. */
  end(): void;
  /** Lets go of everything but the end to read from, whoever still writes; repeatable. */
  close(): void;
}
