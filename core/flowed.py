"""format=flowed text (RFC 3676): paragraphs that a mail program cut into lines, put together again."""

import re

_SIGNATURE = "-- "
_ENRICHED_TAG = re.compile(r"<(?:param>[^<>]{0,300}</param|/?[A-Za-z][A-Za-z0-9-]{0,59})>", re.IGNORECASE)


def unflow(text: str, *, delsp: bool = False) -> str:
    """Lines that end in a blank joined with the next of the same quote depth; quote marks as ``> ``, stuffing removed.

    ``delsp`` is the parameter DelSp=yes: the joining blank was added by the sender and goes (RFC 3676, 4.1).
    """
    out: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        signature = content == _SIGNATURE
        flows = content.endswith(" ") and not signature
        if flows and delsp:
            content = content[:-1]
        if depth == open_depth and not signature:
            out[-1].append(content)
        else:
            out.append([f"{'>' * depth} {content}" if depth else content])
        open_depth = depth if flows else -1
    lines = ("".join(pieces) for pieces in out)
    return "\n".join(line if line == _SIGNATURE else line.rstrip() for line in lines)


def plain_of_enriched(text: str) -> str:
    """The words of text/enriched (RFC 1896): tags left out, single line ends as blanks, ``<<`` as one."""
    text = _ENRICHED_TAG.sub("", text.replace("<<", "\0")).replace("\0", "<")
    return "\n\n".join(paragraph.replace("\n", " ").strip() for paragraph in re.split(r"\n{2,50}", text))
