import { errnoError } from "./errno.ts";
import type { NativeModule } from "./native-module.ts";

/** A C function as koffi has it. */
export type Call = (...args: unknown[]) => number;

/** The same, callable on a thread of koffi's too. */
export type AsyncCall = Call & { async: (...args: unknown[]) => void };

/** How the parts of the kernel's interface make their calls. */
export interface Caller {
  /** The C library's function of that prototype. */
  define(prototype: string): AsyncCall;
  /** Where the C library has a function: what another one takes as a pointer to it. */
  addressOf(name: string): unknown;
  /** Makes a call on another thread; a failed one is an `errnoError` about `what`. */
  off(call: AsyncCall, args: readonly unknown[], what: string): Promise<number>;
}

/** Calls through koffi's native module. */
export function callerOf(native: NativeModule): Caller {
  const libc = native.load(null);
  // What another thread reads and writes must not be collected meanwhile.
  const inFlight = new Set<readonly unknown[]>();
  const off: Caller["off"] = (call, args, what) =>
    new Promise((resolve, reject) => {
      inFlight.add(args);
      // koffi hands that thread's errno to the callback.
      call.async(...args, (err: unknown, result: number) => {
        inFlight.delete(args);
        if (err !== null) reject(err);
        else if (result >= 0) resolve(result);
        else reject(errnoError(what, native.errno()));
      });
    });
  return {
    define: (prototype) => libc.func(prototype) as unknown as AsyncCall,
    addressOf: (name) => libc.symbol(name) as unknown,
    off,
  };
}
