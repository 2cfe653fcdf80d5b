import { hasCode, StatusCode } from "../base/status.ts";
import type { Caller } from "./caller.ts";
import { type LoopCalls, type LoopConfig, LoopFlag } from "./loop-calls.ts";

const LOOP_SET_FD = 0x4c00;
const LOOP_CLR_FD = 0x4c01;
const LOOP_SET_STATUS64 = 0x4c04;
const LOOP_SET_DIRECT_IO = 0x4c08;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;

/** Sizes and offsets of `struct loop_config` and, within it, `struct loop_info64`. */
const CONFIG_BYTES = 304;
const INFO_AT = 8;
const INFO_BYTES = 232;
const FLAGS_AT = 52;
const NAME_AT = 56;
/** With the zero at its end. */
const NAME_BYTES = 64;

/** {@link LoopCalls} through koffi. */
export class KoffiLoopCalls implements LoopCalls {
  readonly #ioctl: (fd: number, request: number, argument: number, what: string) => Promise<number>;
  readonly #ioctlBytes: (fd: number, request: number, bytes: Uint8Array, what: string) => Promise<number>;

  constructor({ define, off }: Caller) {
    const ioctl = define("int ioctl(int fd, unsigned long request, long argument)");
    const ioctlBytes = define("int ioctl(int fd, unsigned long request, void *argument)");
    this.#ioctl = (fd, request, argument, what) => off(ioctl, [fd, request, argument], what);
    this.#ioctlBytes = (fd, request, bytes, what) => off(ioctlBytes, [fd, request, bytes], what);
  }

  getFree(control: number): Promise<number> {
    return this.#ioctl(control, LOOP_CTL_GET_FREE, 0, "find a free loop device");
  }

  async configure(device: number, config: LoopConfig): Promise<void> {
    const what = `attach ${config.name} to a loop device`;
    try {
      await this.#ioctlBytes(device, LOOP_CONFIGURE, encodeConfig(config), what);
    } catch (err) {
      // What a kernel says to a request that it does not know.
      if (!hasCode(err, StatusCode.invalidArgument) && !hasCode(err, StatusCode.unimplemented)) throw err;
      await this.#configureInSteps(device, config, what);
    }
  }

  async #configureInSteps(device: number, config: LoopConfig, what: string): Promise<void> {
    await this.#ioctl(device, LOOP_SET_FD, config.file, what);
    try {
      const info = encodeConfig(config).subarray(INFO_AT, INFO_AT + INFO_BYTES);
      await this.#ioctlBytes(device, LOOP_SET_STATUS64, info, what);
      if ((config.flags & LoopFlag.directIo) !== 0) await this.#ioctl(device, LOOP_SET_DIRECT_IO, 1, what);
    } catch (err) {
      await this.#ioctl(device, LOOP_CLR_FD, 0, "free a loop device").catch(() => {});
      throw err;
    }
  }
}

/** A `struct loop_config`: the file, and what the device is to be like. */
function encodeConfig({ file, name, flags }: LoopConfig): Buffer {
  const bytes = Buffer.alloc(CONFIG_BYTES);
  // All machines that this runs on are little-endian.
  bytes.writeUInt32LE(file, 0);
  bytes.writeUInt32LE(flags, INFO_AT + FLAGS_AT);
  bytes.write(name, INFO_AT + NAME_AT, NAME_BYTES - 1);
  return bytes;
}
