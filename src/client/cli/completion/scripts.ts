import type { ProgramModel } from "./model.ts";
import { tables } from "./tables.ts";

/** The shells that there is a completion for. */
export const SHELLS = ["bash", "zsh"] as const;

/** One of them. */
export type Shell = (typeof SHELLS)[number];

/**
 * Bash splits words at `:` and `=`, too, so they are taken from the line, and what is before the last such
 * character is left out of what it is offered.
 */
const BASH = `
_ebb_candidates() {
  case $_ebb_kind in
    option) _ebb_options "$_ebb_command" ;;
    words*) printf '%s\\n' \${_ebb_kind#words } ;;
    command) _ebb_commands | cut -d: -f1 ;;
    container|image|shim) "\${COMP_WORDS[0]}" __complete "$_ebb_kind" 2>/dev/null ;;
  esac
}

# Not by compgen -W, which would carry out what is in a name.
_ebb_offer() {
  local word
  while read -r word; do
    if [[ $word == "$_ebb_typed"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_ebb() {
  local IFS=$' \\t\\n' words line=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  if [[ $line == *[[:space:]] ]]; then words+=(""); fi
  _ebb_find "\${words[@]:1}"
  COMPREPLY=()
  case $_ebb_kind in
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$_ebb_typed") ;;
    dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$_ebb_typed") ;;
    *) _ebb_offer < <(_ebb_candidates) ;;
  esac
  local before=\${_ebb_typed%"\${_ebb_typed##*:}"}
  if [[ $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("\${COMPREPLY[@]#"$before"}"); fi
}

complete -F _ebb ebb
`;

/** As a file in fpath its text is the function, which is called at once; sourced it is told to the shell. */
const ZSH = `
_ebb() {
  local -a found
  _ebb_find "\${(@)words[2,CURRENT-1]}" "$PREFIX"
  if [[ $PREFIX != "$_ebb_typed" ]]; then compset -P '*='; fi
  case $_ebb_kind in
    option) found=(\${(f)"$(_ebb_options "$_ebb_command")"}); compadd -- $found ;;
    words*) found=(\${=_ebb_kind#words }); compadd -- $found ;;
    command) found=("\${(@f)$(_ebb_commands)}"); _describe command found ;;
    container|image|shim) found=(\${(f)"$("\${words[1]}" __complete "$_ebb_kind" 2>/dev/null)"}); compadd -- $found ;;
    file) _files ;;
    dir) _files -/ ;;
  esac
}

if [[ $funcstack[1] == _ebb ]]; then _ebb "$@"; else compdef _ebb ebb; fi
`;

/** The text that has a shell complete the command line of `ebb`. */
export function completionScript(shell: Shell, model: ProgramModel): string {
  if (shell === "bash") return `# Completion of ebb for bash.\n\n${tables(model)}${BASH}`;
  return `#compdef ebb\n# Completion of ebb for zsh.\n\n${tables(model)}${ZSH}`;
}
