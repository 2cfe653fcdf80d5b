import { Argument } from "commander";
import type { AddCommand } from "./command.ts";
import { modelOf } from "./completion/model.ts";
import { listNames, NAME_KINDS, type NameKind } from "./completion/names.ts";
import { completionScript, SHELLS, type Shell } from "./completion/scripts.ts";
import { print } from "./print.ts";

const COMPLETION_HELP = `
Completes commands, options, files, and the names of containers, images and shims.

bash:
  source <(ebb completion bash)                                     in ~/.bashrc, or
  ebb completion bash > /etc/bash_completion.d/ebb                  for everybody
zsh, after compinit:
  source <(ebb completion zsh)                                      in ~/.zshrc, or
  ebb completion zsh > /usr/local/share/zsh/site-functions/_ebb     for everybody`;

/** Puts `ebb completion`, and what its scripts ask, into the program. */
export const addCompletion: AddCommand = (program, done) => {
  program
    .command("completion")
    .summary("print what has bash or zsh complete the commands of ebb")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", COMPLETION_HELP)
    .action(async (shell: Shell) => done(await print(completionScript(shell, modelOf(program)).trimEnd())));
  program
    .command("__complete", { hidden: true })
    .addArgument(new Argument("<kind>", "what to list").choices(NAME_KINDS))
    .action(async (kind: NameKind) => done(await showNames(kind)));
};

/** Where there are none, or they may not be seen, nothing is offered. */
async function showNames(kind: NameKind): Promise<number> {
  const names = await listNames(kind).catch(() => []);
  return names.length === 0 ? 0 : print(names.join("\n"));
}
