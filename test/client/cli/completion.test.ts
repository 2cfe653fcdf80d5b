import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Argument, Command, Option } from "commander";
import { command } from "../../../lab/command.ts";
import { modelOf } from "../../../src/client/cli/completion/model.ts";
import { completionScript, SHELLS, type Shell } from "../../../src/client/cli/completion/scripts.ts";
import { digestOf } from "../../../src/images/digest.ts";
import { ImageStore } from "../../../src/images/image-store.ts";
import { scratchDir } from "../support.ts";
import { ebb, ebbPath, programs } from "./built-ebb.ts";

const dir = scratchDir();
const files = path.join(dir, "files");
fs.mkdirSync(path.join(files, "adir"), { recursive: true });
fs.writeFileSync(path.join(files, "afile"), "");

/** A command line with everything in it that there can be. */
function someProgram(): Command {
  const program = new Command("ebb").version("1.0.0", "-v, --version").enablePositionalOptions();
  program
    .command("run")
    .summary("run 'it'")
    .argument("<image>")
    .argument("[command...]")
    .option("-e, --env <name=value>")
    .option("--rootfs <dir>")
    .option("--cwd <dir>")
    .option("--runtime <shim>")
    .addOption(new Option("--pull <when>").choices(["always", "never"]))
    .option("-d, --detach")
    .passThroughOptions();
  program.command("stop").argument("<container...>").option("--time <seconds>");
  program.command("load").argument("<file>");
  program.command("shell").addArgument(new Argument("<shell>").choices(["bash", "zsh"]));
  program.command("secret", { hidden: true });
  return program;
}

/** Stands for ebb: one name is that of nothing good. */
const NAMES = `test "$1" = __complete || exit 1
case $2 in
  container) printf '%s\\n' web web-2 db '$(touch carried-out)' ;;
  image) printf '%s\\n' docker.io/library/busybox:1.36 docker.io/library/busybox:latest localhost:5000/app:v1 ;;
  shim) echo io.containerd.ebb.v2 ;;
esac`;

const env = {
  ...process.env,
  PATH: `${programs(path.join(dir, "bin"), { ebb: NAMES })}:${process.env.PATH}`,
};

/** What each shell has to be told to complete a line outside of any terminal. */
const HARNESS: Readonly<Record<Shell, string>> = {
  bash: `source "$1"
COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDS=(ebb) COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_ebb
printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() {}
compset() { PREFIX=\${PREFIX#*=} }
compadd() { local word; shift; for word in "$@"; do case $word in "$PREFIX"*) print -r -- "$word";; esac; done }
_describe() { compadd -- "\${(@)\${(@P)2}%%:*}" }
_files() { if [[ $1 == -/ ]]; then compadd -- adir; else compadd -- adir afile; fi }
source "$1"
words=("\${(@s: :)2}"); CURRENT=$#words; PREFIX=$words[-1]
_ebb`,
};

const scripts = Object.fromEntries(
  SHELLS.map((shell) => {
    const file = path.join(dir, `completion.${shell}`);
    fs.writeFileSync(file, completionScript(shell, modelOf(someProgram())));
    return [shell, file];
  }),
);

async function complete(shell: Shell, line: string): Promise<string[]> {
  const args = [...(shell === "zsh" ? ["-f"] : []), "-c", HARNESS[shell], shell, scripts[shell] ?? "", line];
  const { stdout, stderr, exitCode } = await command(shell, args, { env, cwd: files });
  assert.deepEqual([exitCode, stderr], [0, ""]);
  return stdout.split("\n").filter((word) => word !== "");
}

const IMAGES = [
  "docker.io/library/busybox:1.36",
  "docker.io/library/busybox:latest",
  "localhost:5000/app:v1",
];
const RUN = ["-e", "--env", "--rootfs", "--cwd", "--runtime", "--pull", "-d", "--detach", "-h", "--help"];

/** The same in both shells. */
const ROWS: readonly [title: string, line: string, offered: readonly string[]][] = [
  ["every command but the hidden", "ebb ", ["run", "stop", "load", "shell", "help"]],
  ["the commands that begin so", "ebb s", ["stop", "shell"]],
  ["nothing where there is no such command", "ebb walk ", []],
  ["the options of ebb itself", "ebb -", ["-v", "--version", "-h", "--help"]],
  ["the options of a command", "ebb run -", RUN],
  ["the long ones", "ebb run --r", ["--rootfs", "--runtime"]],
  ["the directories for an option", "ebb run --rootfs ", ["adir"]],
  ["nothing for a path in the container", "ebb run --cwd ", []],
  ["the shims for an option", "ebb run --runtime ", ["io.containerd.ebb.v2"]],
  ["the choices for an option", "ebb run --pull ", ["always", "never"]],
  ["the choices behind an equals sign", "ebb run --pull=a", ["always"]],
  ["nothing for what nobody can guess", "ebb run --env ", []],
  ["the images, where an option before has its value", "ebb run -e A=b --pull=never -d ", IMAGES],
  ["the program's files, behind the image", "ebb run busybox ", ["adir", "afile"]],
  ["no options of ebb's, behind the image", "ebb run busybox ls -", []],
  ["every container, each time", "ebb stop web w", ["web", "web-2"]],
  ["files", "ebb load a", ["adir", "afile"]],
  ["the choices of an argument", "ebb shell z", ["zsh"]],
  ["no second argument where there is but one", "ebb shell zsh ", []],
  ["arguments behind two dashes, whatever they begin with", "ebb stop -- d", ["db"]],
  ["the commands to be helped with", "ebb help l", ["load"]],
];

for (const shell of SHELLS) {
  describe(`the completion for ${shell} offers`, () => {
    for (const [title, line, offered] of ROWS) {
      test(`${title}: ${line}`, async () => assert.deepEqual(await complete(shell, line), offered));
    }

    test("a name as it is, and does not carry out what is in it", async () => {
      assert.deepEqual(await complete(shell, "ebb stop $"), ["$(touch carried-out)"]);
      assert.equal(fs.existsSync(path.join(files, "carried-out")), false);
    });

    test("no more of an image than the shell has not yet", async () => {
      const offered = shell === "bash" ? ["1.36", "latest"] : IMAGES.slice(0, 2);
      assert.deepEqual(await complete(shell, "ebb run docker.io/library/busybox:"), offered);
    });
  });
}

/** Has an interactive shell in a terminal read what is typed, tabs and all. */
async function typed(shell: string, lines: readonly string[]): Promise<string> {
  const input = [...lines, "exit", ""].join("\n");
  const searchPath = programs(path.join(dir, "real"), { ebb: `exec ${process.execPath} ${ebbPath} "$@"` });
  const options = {
    env: { ...process.env, PATH: `${searchPath}:${process.env.PATH}`, TERM: "dumb" },
    cwd: files,
  };
  const { stdout } = await command("script", ["-qec", shell, "/dev/null"], { ...options, input });
  return stdout;
}

describe("ebb completion", () => {
  test("has bash in a terminal complete a line that is typed", async () => {
    const lines = ["source <(ebb completion bash)", "ebb compl\tba\t| head -n 1"];
    assert.match(await typed("bash --norc --noprofile -i", lines), /\n# Completion of ebb for bash\.\r?\n/);
  });

  test("has zsh in a terminal complete a line that is typed", async () => {
    const lines = [
      "autoload -Uz compinit; compinit -D -u",
      "source <(ebb completion zsh)",
      "ebb compl\tba\t| head -n 1",
    ];
    assert.match(await typed("zsh -f -i", lines), /\n# Completion of ebb for bash\.\r?\n/);
  });

  test("has zsh find it in a directory of functions", async () => {
    fs.mkdirSync(path.join(dir, "fpath"));
    fs.writeFileSync(path.join(dir, "fpath/_ebb"), (await ebb(["completion", "zsh"])).stdout);
    const lines = [
      `fpath=(${dir}/fpath $fpath)`,
      "autoload -Uz compinit; compinit -D -u",
      "ebb compl\tba\t| head -n 1",
    ];
    assert.match(await typed("zsh -f -i", lines), /\n# Completion of ebb for bash\.\r?\n/);
  });

  for (const args of [["fish"], []]) {
    test(`refuses ${args[0] ?? "no shell"} with exit status 1`, async () => {
      const { exitCode, stdout, stderr } = await ebb(["completion", ...args]);
      assert.deepEqual([exitCode, stdout], [1, ""]);
      assert.match(stderr, /^ebb: .*shell/);
    });
  }

  test("is asked for containers by its scripts, who offer none where there are none", async () => {
    const state = path.join(dir, "state");
    for (const name of ["web", ".gone.1.1"])
      fs.mkdirSync(path.join(state, "containers", name), { recursive: true });
    const ask = (directory: string) => ebb(["__complete", "container"], { env: { EBB_STATE: directory } });
    assert.equal((await ask(state)).stdout, "web\n");
    for (const directory of ["/no/such", "not/a/path"]) {
      const { exitCode, stdout, stderr } = await ask(directory);
      assert.deepEqual([exitCode, stdout, stderr], [0, "", ""]);
    }
  });

  test("is asked for images by its scripts, by each name that they have", async () => {
    const images = path.join(dir, "some-images");
    for (const reference of [
      "docker.io/library/busybox:latest",
      "docker.io/team/app:v1",
      "localhost:5000/x:1",
    ]) {
      const target = { mediaType: "any", digest: digestOf(reference), size: 1 };
      await new ImageStore(images).put({ reference, target, createdAt: "" });
    }
    const { stdout } = await ebb(["__complete", "image"], { env: { EBB_IMAGES_DIR: images } });
    const usual = ["busybox:latest", "docker.io/library/busybox:latest", "docker.io/team/app:v1"];
    assert.deepEqual(stdout.split("\n"), [...usual, "localhost:5000/x:1", "team/app:v1", ""]);
  });

  test("is asked for shims by its scripts, in PATH, each once", async () => {
    const shims = { "containerd-shim-x-v2": "exit", "containerd-shim": "exit", other: "exit" };
    const [one, two] = ["one", "two"].map((name) => programs(path.join(dir, name), shims));
    const { stdout } = await ebb(["__complete", "shim"], { env: { PATH: `${one}:${two}:/no/such` } });
    assert.equal(stdout, "io.containerd.x.v2\n");
  });
});
