/** What an image says about the containers that are made of it; what it leaves out is empty. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** `/` where the image names none. */
  readonly workingDir: string;
  /** As the image has it: NAME[:GROUP] or UID[:GID]. */
  readonly user: string;
  /** A name (`SIGTERM`) or a number. */
  readonly stopSignal: string;
}
