import { Option } from "commander";
import { RELEASE_MODES } from "../../base/release-mode.ts";
import { type AddCommand, collect, defaultRuntime, RUNTIME_FLAG } from "./command.ts";
import { runChecked } from "./run-container.ts";
import { checkRun, NETWORKS, PULLS, type RunFlags } from "./run-options.ts";
import { DEFAULT_STATE_DIR, requireRoot } from "./state-dir.ts";

const RUN_HELP = `
Without --detach, the output is the container's, and so is stdin where it is a pipe or a file; --interactive hands
over a terminal's keys as well. With --detach it goes to a file, which has no limit and is removed with the container.
A container stays until 'ebb rm', unless it was run with --rm.

The exit status is the container's. 125: ebb or the shim failed; 126: the command may not be executed;
127: the command does not exist; 128+n: ended by signal n; 1: the command line is wrong.
SIGINT, SIGTERM, SIGHUP, SIGQUIT and others go to the container's init; the third that asks for the end
arrives as SIGKILL.

Examples:
  ebb run -it --rm busybox sh
  ebb run -d --name web --memory 64m --cpus 0.5 -v /srv/www:/www:ro busybox httpd -f -h /www
  ebb run --rm --rootfs ./alpine -- sh -c 'echo hello from $(hostname)'
  tar c src | ebb run --rm --rootfs ./alpine --runtime io.containerd.runc.v2 -- tar x -C /tmp

Environment:
  EBB_STATE       directory of bundles, sockets and pipes (${DEFAULT_STATE_DIR})
  EBB_IMAGES_DIR  directory of images and containers, instead of the configuration's (/var/lib/ebb)
  NO_COLOR        has no command use colours
The variables of a shim's settings (EBB_RELEASE and others) are the supervisor's: those of the command that has started
it, if none ran. Where one runs already, those of this command count for nothing.`;

/** Puts `ebb run` into the program. */
export const addRun: AddCommand = (program, done) => {
  program
    .command("run")
    .summary("run a command in a container")
    .usage("[options] IMAGE [COMMAND...]\n       ebb run [options] --rootfs DIR -- COMMAND...")
    .description(
      "Runs a command in a new container of an image, which is fetched where it is not here, or of a directory. " +
        "Both stay as they are: writes go to a layer that is removed with the container.",
    )
    .argument("[image]", "image, where there is no --rootfs")
    .argument("[command...]", "program in the container and its arguments (default: the image's own)")
    .option("-i, --interactive", "hand over the keys of a terminal, too")
    .option("-t, --tty", "give the container a terminal")
    .option("-d, --detach", "let it run by itself, and print its id; ebb logs shows what it writes")
    .option("--rm", "remove it when it has ended")
    .option("--name <id>", "the container's id (default: a random one)")
    .option("-u, --user <user>", "user in the container: NAME[:GROUP] or UID[:GID]")
    .option("-e, --env <name=value>", "environment variable, or the NAME of one of ours; repeatable", collect)
    .option(
      "-v, --volume <src:dst[:ro]>",
      "put a directory or file of this host into it; repeatable",
      collect,
    )
    .option("-w, --cwd <dir>", "working directory in the container")
    .option("-m, --memory <size>", "the most memory it may have, such as 64m or 1g")
    .option("--cpus <number>", "the most processors it may use, such as 0.5")
    .option("--read-only", "it may not write to its root file system")
    .option("--hostname <name>", "its host name (default: its id)")
    .addOption(
      new Option(
        "--release <mode>",
        "what ebb's shim does with its unwritten data when it is removed (default: the host's setting)",
      ).choices(RELEASE_MODES),
    )
    .addOption(
      new Option("--net <network>", "only a loopback interface, or the network of this host")
        .choices(NETWORKS)
        .default("none"),
    )
    .option("--rootfs <dir>", "directory with the root file system, instead of an image")
    .addOption(
      new Option("--pull <when>", "when to ask the image's registry").choices(PULLS).default("missing"),
    )
    .option(...RUNTIME_FLAG, defaultRuntime())
    .option("--shim-log", "show what its shim logs, debug lines included, on stderr")
    .passThroughOptions()
    .addHelpText("after", RUN_HELP)
    .action(async (image: string | undefined, command: string[], flags: RunFlags) => {
      requireRoot("ebb run");
      done(await runChecked(checkRun(flags, image === undefined ? [] : [image, ...command])));
    });
};
