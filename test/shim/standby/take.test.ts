import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { placeOf } from "../../../src/shim/standby/kind.ts";
import { takeStandby } from "../../../src/shim/standby/take.ts";
import { makeFifo, makeTempDir } from "../../support/files.ts";

const module = pathToFileURL(
  path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../src/shim/standby/take.ts"),
).href;
const order = Buffer.from("the order");

/** What stands by, as far as who takes it can see. */
class Standby {
  readonly #server = net.createServer((client) => client.end("served"));
  readonly #reader: number;

  private constructor(orders: string) {
    this.#reader = fs.openSync(orders, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  }

  static async at(folder: string, pid: number): Promise<Standby> {
    const { socket, orders } = placeOf(folder, pid);
    makeFifo(orders);
    const standby = new Standby(orders);
    await new Promise<void>((resolve) => standby.#server.listen(socket, resolve));
    return standby;
  }

  /** All that it was told. */
  told(): string {
    const buffer = Buffer.alloc(4096);
    try {
      return buffer.toString("utf8", 0, fs.readSync(this.#reader, buffer));
    } catch {
      return "";
    }
  }

  close(): void {
    this.#server.close();
    fs.closeSync(this.#reader);
  }
}

/** What one hears who connects. */
function hear(socket: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    net
      .connect(socket)
      .on("data", (chunk) => {
        text += chunk;
      })
      .on("close", () => resolve(text))
      .on("error", reject);
  });
}

describe("a server that stands by", () => {
  let temp: ReturnType<typeof makeTempDir>;
  let folder = "";
  let group = "";
  before(() => {
    temp = makeTempDir();
  });
  after(() => temp.remove());
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(temp.dir, "kind-"));
    group = path.join(folder, "group");
  });

  test("is taken once: serves by the group's name, gets its order when it is time, and its place is empty", async () => {
    const standby = await Standby.at(folder, 7);
    const taken = takeStandby(folder, group, order);
    assert.ok(taken !== undefined);
    assert.deepEqual(fs.readdirSync(folder), ["group"]);
    assert.equal(await hear(group), "served");
    assert.equal(standby.told(), "");
    taken.begin();
    assert.equal(standby.told(), "the order");
    assert.equal(takeStandby(folder, `${group}-2`, order), undefined);
    standby.close();
  });

  test("is taken back without an order, and the group has no socket then", async () => {
    const standby = await Standby.at(folder, 7);
    takeStandby(folder, group, order)?.end();
    assert.deepEqual(fs.readdirSync(folder), []);
    assert.equal(standby.told(), "");
    standby.close();
  });

  test("is not there where the folder is not, or empty", () => {
    assert.equal(takeStandby(folder, group, order), undefined);
    assert.equal(takeStandby(path.join(folder, "missing"), group, order), undefined);
  });

  test("takes nobody's place who serves the group by now", async () => {
    const standby = await Standby.at(folder, 7);
    const other = net.createServer((client) => client.end("the other"));
    await new Promise<void>((resolve) => other.listen(group, resolve));
    assert.equal(takeStandby(folder, group, order), undefined);
    assert.equal(await hear(group), "the other");
    assert.equal(standby.told(), "");
    other.close();
    standby.close();
  });

  test("that was killed is passed over, and its place removed", async () => {
    const { socket, orders } = placeOf(folder, 7);
    fs.writeFileSync(socket, "");
    makeFifo(orders);
    assert.deepEqual(fs.readdirSync(folder).sort(), ["7", "7.orders"]);
    const living = await Standby.at(folder, 8);
    takeStandby(folder, group, order)?.begin();
    assert.equal(living.told(), "the order");
    assert.equal(takeStandby(folder, `${group}-2`, order), undefined);
    assert.deepEqual(fs.readdirSync(folder), ["group"]);
    living.close();
  });

  test("is taken by exactly one of many who ask at once", async () => {
    const standbys = [await Standby.at(folder, 7), await Standby.at(folder, 8)];
    const script = `
      const { takeStandby } = await import(${JSON.stringify(module)});
      process.stdout.write("ready");
      process.stdin.once("data", () => {
        const taken = takeStandby(process.argv[1], process.argv[2], Buffer.from("x"));
        taken?.begin();
        process.stdout.write(taken ? " took" : " none");
        process.exit(0);
      });`;
    const askers = Array.from({ length: 8 }, (_, n) => {
      const child = spawn(process.execPath, [
        "-e",
        script,
        folder,
        path.join(temp.dir, `asker-${n}-${path.basename(folder)}`),
      ]);
      const ready = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      const ended = new Promise<string>((resolve) => child.once("close", () => resolve(text)));
      return { child, ready, ended };
    });
    await Promise.all(askers.map(({ ready }) => ready));
    for (const { child } of askers) child.stdin.write("go");
    const said = await Promise.all(askers.map(({ ended }) => ended));
    assert.equal(said.filter((text) => text.endsWith("took")).length, 2, said.join());
    assert.deepEqual(
      standbys.map((standby) => standby.told()),
      ["x", "x"],
    );
    assert.deepEqual(fs.readdirSync(folder), []);
    for (const standby of standbys) standby.close();
  });
});
