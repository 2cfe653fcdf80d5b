import fs from "node:fs";
import { loadNativeModule } from "../../src/linux/native-module.ts";

const { O_RDWR, O_NOCTTY } = fs.constants;
const O_CLOEXEC = 0o2000000;

type Call = (...args: unknown[]) => number;

const native = loadNativeModule();
const libc = native.load(null);
const define = (prototype: string) => libc.func(prototype) as unknown as Call;
const unlockpt = define("int unlockpt(int fd)");
const ptsname = define("int ptsname_r(int fd, void *name, size_t length)");
const socket = define("int socket(int domain, int type, int protocol)");
const address = native.struct({ family: "uint16_t", path: native.array("char", 108) });
const connect = libc.func("connect", "int", ["int", native.pointer(address), "uint32_t"]) as unknown as Call;
const vector = native.struct({ base: "void *", length: "size_t" });
const message = native.struct({
  name: "void *",
  nameLength: "uint32_t",
  vectors: native.pointer(vector),
  vectorCount: "size_t",
  control: "void *",
  controlLength: "size_t",
  flags: "int",
});
const sendmsg = libc.func("sendmsg", "long", ["int", native.pointer(message), "int"]) as unknown as Call;

/** Both ends of a new terminal, closed on exec. */
export function openPty(): { master: number; terminal: number } {
  const master = fs.openSync("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  unlockpt(master);
  const name = Buffer.alloc(64);
  ptsname(master, name, name.length);
  return { master, terminal: fs.openSync(name.toString("utf8", 0, name.indexOf(0)), O_RDWR | O_NOCTTY) };
}

/** Connects to a unix socket and sends a byte with these descriptors, or without any, as a runtime does. */
export function sendDescriptors(path: string, fds: readonly number[]): void {
  const fd = socket(1, 1 | O_CLOEXEC, 0);
  if (connect(fd, { family: 1, path }, 2 + path.length + 1) !== 0) throw new Error(`connect ${path} failed`);
  const length = 16 + 4 * fds.length;
  const control = Buffer.alloc(Math.ceil(length / 8) * 8);
  new DataView(control.buffer, control.byteOffset).setBigUint64(0, BigInt(length), true);
  control.set([1, 0, 0, 0, 1, 0, 0, 0], 8);
  for (const [n, sent] of fds.entries()) control.writeInt32LE(sent, 16 + 4 * n);
  const data = Buffer.from("x");
  const sent = sendmsg(
    fd,
    {
      name: null,
      nameLength: 0,
      vectors: [{ base: data, length: data.length }],
      vectorCount: 1,
      control: fds.length === 0 ? null : control,
      controlLength: fds.length === 0 ? 0 : control.length,
      flags: 0,
    },
    0,
  );
  fs.closeSync(fd);
  if (sent !== data.length) throw new Error(`sendmsg to ${path} failed: errno ${native.errno()}`);
}
