import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { must } from "../../lab/command.ts";
import { StatusCode } from "../../src/base/status.ts";
import { mountsAt } from "../../src/client/mounts.ts";
import { lookUpUser } from "../../src/client/rootfs-user.ts";
import { status } from "../support/status.ts";
import { noContainers, openFiles, scratchDir } from "./support.ts";

const dir = scratchDir();
const [lower = "", upper = "", work = "", scratch = ""] = ["lower", "upper", "work", "scratch"].map(
  (name) => {
    const made = path.join(dir, name);
    mkdirSync(path.join(made, name === "lower" ? "etc" : ""), { recursive: true });
    return made;
  },
);
const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
const mounts = [{ type: "overlay", source: "overlay", target: "", options }];
const lookUp = (user: string) => lookUpUser(user, { mounts, scratchDir: scratch, limitMs: 10_000 });
const passwd = path.join(lower, "etc/passwd");

/** Puts something in the place of the image's passwd. */
function replace(put: () => void): void {
  rmSync(passwd, { recursive: true, force: true });
  put();
}

describe("a user of a root file system", { skip: noContainers }, () => {
  test("is who its own passwd and group say, as the container has changed them", async () => {
    replace(() => writeFileSync(passwd, "app:x:7:8:::\n"));
    writeFileSync(path.join(lower, "etc/group"), "g:x:9:app\n");
    assert.deepEqual(await lookUp("app"), { uid: 7, gid: 8, additionalGids: [9] });
    mkdirSync(path.join(upper, "etc"));
    writeFileSync(path.join(upper, "etc/passwd"), "app:x:70:80:::\n");
    assert.equal((await lookUp("app:g")).uid, 70);
    rmSync(path.join(upper, "etc"), { recursive: true });
  });

  test("may be an id where there are no files", async () => {
    replace(() => {});
    assert.equal((await lookUp("12")).uid, 12);
    await assert.rejects(lookUp("app"), status(StatusCode.notFound, /no user "app"/));
  });

  test("is looked up inside alone, wherever a link leads", async () => {
    replace(() => symlinkSync("../../../../../../etc/other", passwd));
    writeFileSync(path.join(lower, "etc/other"), "app:x:3:4:::\n");
    assert.equal((await lookUp("app")).uid, 3);
    // The host's own file, by its name there.
    replace(() => symlinkSync(path.join(dir, "host"), passwd));
    writeFileSync(path.join(dir, "host"), "app:x:99:99:::\n");
    await assert.rejects(lookUp("app"), status(StatusCode.notFound, /no user "app"/));
  });

  const tricks: [what: string, put: () => void, code: StatusCode, message: RegExp][] = [
    [
      "a link to itself",
      () => symlinkSync("passwd", passwd),
      StatusCode.invalidArgument,
      /more than \d+ (links|names)/,
    ],
    ["a directory", () => mkdirSync(passwd), StatusCode.invalidArgument, /not a regular file/],
    [
      "a file of two megabytes",
      () => writeFileSync(passwd, Buffer.alloc(2 << 20, "x")),
      StatusCode.resourceExhausted,
      /\/etc\/passwd has more than/,
    ],
    ["a link to a device", () => symlinkSync("/dev/zero", passwd), StatusCode.notFound, /no user "app"/],
  ];
  for (const [what, put, code, message] of tricks) {
    test(`is refused where passwd is ${what}`, async () => {
      replace(put);
      await assert.rejects(lookUp("app"), status(code, message));
    });
  }

  test("is refused where passwd is a fifo that nobody writes to", async () => {
    replace(() => {});
    await must("mkfifo", [passwd]);
    await assert.rejects(lookUp("app"), status(StatusCode.invalidArgument, /not a regular file/));
  });

  test("leaves no mount, no directory and no open file", async () => {
    assert.deepEqual([await mountsAt(dir), openFiles(dir)], [[], []]);
  });
});
