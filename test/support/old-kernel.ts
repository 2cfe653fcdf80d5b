/**
 * `old-kernel.ts PROGRAM ARGUMENTS…` becomes that program, on a kernel as Linux 5.0 was in its system calls: those that
 * came later say ENOSYS, to what it starts as well.
 */
import { callerOf } from "../../src/linux/caller.ts";
import { loadNativeModule } from "../../src/linux/native-module.ts";

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const ENOSYS = 38;
/** The first that Linux 5.1 added; from there on the numbers are alike on all architectures. */
const FIRST_LATER_CALL = 424;

/** A `struct sock_filter` each: load the number of the call; skip the next but one unless it is that late; answers. */
const STEPS: readonly (readonly [code: number, onTrue: number, onFalse: number, operand: number])[] = [
  [0x20, 0, 0, 0],
  [0x35, 0, 1, FIRST_LATER_CALL],
  [0x06, 0, 0, SECCOMP_RET_ERRNO | ENOSYS],
  [0x06, 0, 0, SECCOMP_RET_ALLOW],
];

function encode(): Buffer {
  const bytes = Buffer.alloc(STEPS.length * 8);
  for (const [n, [code, onTrue, onFalse, operand]] of STEPS.entries()) {
    bytes.writeUInt16LE(code, n * 8);
    bytes.writeUInt8(onTrue, n * 8 + 2);
    bytes.writeUInt8(onFalse, n * 8 + 3);
    bytes.writeUInt32LE(operand, n * 8 + 4);
  }
  return bytes;
}

const native = loadNativeModule();
const { define } = callerOf(native);
const filter = native.struct({ length: "uint16_t", steps: "void *" });
const prctl = native.load(null).func("prctl", "int", ["int", "unsigned long", native.pointer(filter)]);
const execv = define("int execv(const char *file, const char **words)");

const words = process.argv.slice(2);
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { length: STEPS.length, steps: encode() }) === 0) {
  execv(words[0], [...words, null]);
}
console.error(`${words[0]} cannot be run as on an old kernel: errno ${native.errno()}`);
process.exit(1);
