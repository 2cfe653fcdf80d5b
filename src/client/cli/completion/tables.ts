import type { CommandModel, Kind, ProgramModel } from "./model.ts";

/**
 * Functions in the language that bash and zsh share, which know the command line; what is said of a command is a
 * line of a `case`. `_ebb_find WORD...` takes the words before the one that is completed, then that one, and sets
 * - `_ebb_kind`: what is wanted there: `option`, `words A B`, `command`, `container`, `image`, `shim`, `file`, `dir`
 *   or `text`;
 * - `_ebb_command`: the command, empty before there is one;
 * - `_ebb_typed`: what is there of it already, without the `--option=` before it.
 */
export function tables({ commands }: ProgramModel): string {
  return `_ebb_commands() {
  printf '%s\\n' ${commands
    .filter(({ name }) => name !== "")
    .map(described)
    .join(" ")}
}

_ebb_options() {
  case $1 in
${rows(commands, (command) => [`${quote(command.name)}) printf '%s\\n' ${flagsOf(command).map(quote).join(" ")}`])}
  esac
}

_ebb_value() {
  case "$1 $2" in
${rows(commands, valueRows)}
    *) _ebb_kind= ;;
  esac
}

_ebb_place() {
  case "$1 $2" in
${rows(commands, placeRows)}
    *) _ebb_kind=text ;;
  esac
}

_ebb_passes() {
  case $1 in
${rows(commands, ({ name, passThrough }) => (passThrough ? [`${quote(name)}) return 0`] : []))}
    *) return 1 ;;
  esac
}

_ebb_find() {
  local place=1 arguments= takes=
  _ebb_command= _ebb_kind= _ebb_typed=
  while [ $# -gt 1 ]; do
    if [ -n "$takes" ]; then takes=
    elif [ -n "$arguments" ]; then place=$((place + 1))
    else
      case $1 in
        --) arguments=1 ;;
        -*=*) ;;
        -*) _ebb_value "$_ebb_command" "$1"; takes=$_ebb_kind ;;
        *)
          if [ -z "$_ebb_command" ]; then _ebb_command=$1
          else
            place=$((place + 1))
            if _ebb_passes "$_ebb_command"; then arguments=1; fi
          fi ;;
      esac
    fi
    shift
  done
  _ebb_typed=$1
  if [ -n "$takes" ]; then _ebb_kind=$takes; return; fi
  if [ -z "$arguments" ]; then
    case $1 in
      --*=*) _ebb_value "$_ebb_command" "\${1%%=*}"; _ebb_typed=\${1#*=}; return ;;
      -*) _ebb_kind=option; return ;;
    esac
  fi
  _ebb_place "$_ebb_command" "$place"
}
`;
}

function rows(
  commands: readonly CommandModel[],
  rowsOf: (command: CommandModel) => readonly string[],
): string {
  return commands
    .flatMap(rowsOf)
    .map((row) => `    ${row} ;;`)
    .join("\n");
}

function valueRows({ name, options }: CommandModel): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    return [
      `${flags.map((flag) => quote(`${name} ${flag}`)).join("|")}) _ebb_kind=${quote(kindText(value))}`,
    ];
  });
}

function placeRows({ name, places, variadic }: CommandModel): string[] {
  return places.map((kind, index) => {
    const several = variadic && index === places.length - 1;
    return `${several ? `${quote(`${name} `)}*` : quote(`${name} ${index + 1}`)}) _ebb_kind=${quote(kindText(kind))}`;
  });
}

function kindText(kind: Kind): string {
  return kind.kind === "words" ? `words ${kind.words.join(" ")}` : kind.kind;
}

function flagsOf({ options }: CommandModel): readonly string[] {
  return options.flatMap(({ flags }) => flags);
}

function described({ name, summary }: CommandModel): string {
  return quote(`${name}:${summary}`);
}

/** A word of the shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
