/**
 * The class that protobufjs makes 64-bit values of, which `proto/wire.ts` makes numbers of at once: these two halves
 * do. Without a global one protobufjs loads the package `long`, which compiles WebAssembly for a division that nobody
 * asks for (measured: 0.1 MB of an idle shim). Of use in a process of our own only.
 */
class Halves {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;

  constructor(low: number, high: number, unsigned: boolean) {
    this.low = low;
    this.high = high;
    this.unsigned = unsigned;
  }
}

Object.assign(globalThis, { Long: Halves });
