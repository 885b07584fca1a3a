# SPDX-License-Identifier: MIT
"""Owns what is made out of the options for others to read: the text that help2man turns into the manual page, and bash's completion. Nothing in it is written
twice: a new option stands in both."""

import argparse
import sys

from . import options

# What a value is, by the name that the help gives it: bash's way to complete it.
FILES = {"FILE", "HOST:GUEST", "PROGRAM[:GUEST]", "GUEST:HOST", "DEVICE"}
FOLDERS = {"FOLDER"}

COMPLETION = """\
# bash completion for aril
_aril()
{
	local verb word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} i
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "VERBS" -- "$word"))
		return
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do
		# What stands behind is the guest's.
		[ "${COMP_WORDS[i]}" != -- ] || return
	done
	verb=${COMP_WORDS[1]}
	case $verb:$before in
CASES	esac
	case $verb in
OPTIONS	esac
}
complete -F _aril aril
"""


def taking(action: argparse.Action) -> bool:
    return action.nargs != 0 and not isinstance(action, argparse._HelpAction)


def value_complete(action: argparse.Action) -> str:
    """bash's words for the value of that option."""
    if action.choices is not None:
        return f'COMPREPLY=($(compgen -W "{" ".join(map(str, action.choices))}" -- "$word"))'
    if action.metavar in FOLDERS:
        return 'COMPREPLY=($(compgen -d -- "$word"))'
    if action.metavar in FILES:
        return 'COMPREPLY=($(compgen -f -- "$word"))'
    return ":"


def completion() -> str:
    cases, words = "", ""
    for verb, parser in options.parsers().items():
        named = [a for a in parser._actions if a.option_strings]
        rest = [value_complete(a) for a in parser._actions if not a.option_strings]
        for action in filter(taking, named):
            # An optional value stands behind `=`, in the option's own word.
            if action.nargs != "?":
                cases += f"\t{'|'.join(f'{verb}:{name}' for name in action.option_strings)}) {value_complete(action)}; return ;;\n"
        names = " ".join(name for action in named for name in action.option_strings)
        words += f"\t{verb})\n\t\tcase $word in\n\t\t-*) COMPREPLY=($(compgen -W \"{names}\" -- \"$word\")) ;;\n"
        words += f"\t\t*) {rest[0]} ;;\n" if rest else ""
        words += "\t\tesac ;;\n"
    return COMPLETION.replace("VERBS", " ".join([*options.CALLS, "help"])).replace("CASES", cases).replace("OPTIONS", words)


def invocation(action: argparse.Action) -> str:
    """`-e, --env NAME[=VALUE]`"""
    value = ""
    if taking(action):
        name = action.metavar or "{%s}" % ",".join(map(str, action.choices)) if action.choices or action.metavar else action.dest.upper()
        value = f"[={name}]" if action.nargs == "?" else " " + name
    return ", ".join(action.option_strings) + value


def whole() -> str:
    """Everything, in the shape that help2man reads: sections by lines that begin at the edge and end with a colon, options behind two blanks."""
    lines = ["Usage: aril COMMAND ...", "", options.ABOUT, ""]
    shared = {a.dest for a in options.parsers()["run"]._actions}
    for verb, parser in options.parsers().items():
        lines += [f"Sub-command {verb}:", "", f"{options.CALLS[verb].split('    ')[0]}", "", parser.description, ""]
        for action in parser._actions:
            if action.option_strings and not (verb in ("shell", *options.TRACED) and action.dest in shared):
                lines.append(f"  {invocation(action)}   {parser._get_formatter()._expand_help(action)}")
        if verb in ("shell", *options.TRACED):
            lines.append("The options are those of run.")
        lines.append("")
    lines += ["Exit status:", "", options.STATUSES, "", "Environment:", ""]
    lines += [f"  {name}   {text}" for name, text in options.ENVIRONMENT.items()]
    lines += ["", "Files:", ""] + [f"  {name}   {text}" for name, text in options.FILES.items()]
    return "\n".join(lines) + "\n"


def show(which: str) -> int:
    sys.stdout.write(completion() if which == "--bash" else whole())
    return 0
