import type { Argument, Command, Option } from "commander";

/** What can stand in a place: a word of these, what `ebb __complete` lists, a path, or what nobody can guess. */
export type Kind =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "command" | "container" | "image" | "shim" | "file" | "dir" | "text" };

/** An option, by each of its spellings, and what its value is; undefined where it takes none. */
export interface OptionModel {
  readonly flags: readonly string[];
  readonly value: Kind | undefined;
}

/** A command as a shell has to know it. */
export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionModel[];
  /** What its arguments are, in their order; the last one's goes for all that follow where it takes several. */
  readonly places: readonly Kind[];
  readonly variadic: boolean;
  /** Whether what looks like an option behind its arguments is for another program. */
  readonly passThrough: boolean;
}

/** The whole command line: the first command is `ebb` itself, by the name of nothing. */
export interface ProgramModel {
  readonly commands: readonly CommandModel[];
}

/** What stands in an argument or value, by the name that the help has for it. */
const KINDS: readonly [name: RegExp, kind: Exclude<Kind["kind"], "words">][] = [
  [/^(container|name-or-id)s?$/, "container"],
  [/^(image|ref|reference)s?$/, "image"],
  [/^(shim|runtime)$/, "shim"],
  [/^(dir|directory|rootfs)$/, "dir"],
  [/^(file|path|archive|file-or-dir)$/, "file"],
  [/^command$/, "file"],
];

/** Options whose value is a path in the container, where nobody can look. */
const IN_CONTAINER: ReadonlySet<string> = new Set(["--cwd", "--workdir"]);

/** What the program of commander says of itself, without what it hides. */
export function modelOf(program: Command): ProgramModel {
  const commands = program.createHelp().visibleCommands(program);
  const root: CommandModel = {
    ...commandOf(program),
    name: "",
    places: [{ kind: "command" }],
    variadic: false,
  };
  return { commands: [root, ...commands.map(commandOf)] };
}

function commandOf(command: Command): CommandModel {
  const help = command.createHelp();
  const { registeredArguments } = command;
  const name = command.name();
  return {
    name,
    summary: help.subcommandDescription(command),
    options: help.visibleOptions(command).map(optionOf),
    places: name === "help" ? [{ kind: "command" }] : registeredArguments.map(placeOf),
    variadic: registeredArguments.at(-1)?.variadic ?? false,
    passThrough: passesThrough(command),
  };
}

function optionOf(option: Option): OptionModel {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  if (!option.required && !option.optional) return { flags, value: undefined };
  const [, name = ""] = /[<[]([^\]>.]+)/.exec(option.flags) ?? [];
  return {
    flags,
    value: IN_CONTAINER.has(option.long ?? "") ? { kind: "text" } : kindOf(name, option.argChoices),
  };
}

function placeOf(argument: Argument): Kind {
  return kindOf(argument.name(), argument.argChoices);
}

function kindOf(name: string, choices: readonly string[] | undefined): Kind {
  if (choices !== undefined) return { kind: "words", words: choices };
  return { kind: KINDS.find(([pattern]) => pattern.test(name.toLowerCase()))?.[1] ?? "text" };
}

/** Commander keeps to itself whether a command has been told to pass options through. */
function passesThrough(command: Command): boolean {
  return "_passThroughOptions" in command && command._passThroughOptions === true;
}
