"""format=flowed text (RFC 3676): paragraphs that a mail program cut into lines, put together again."""

_SIGNATURE = "-- "


def unflow(text: str, *, delsp: bool = False) -> str:
    """Lines that end in a blank joined with the next of the same quote depth; quote marks as ``> ``, stuffing removed.

    ``delsp`` is the parameter DelSp=yes: the joining blank was added by the sender and goes (RFC 3676, 4.1).
    """
    out: list[str] = []
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
            out[-1] += content
        else:
            out.append(f"{'>' * depth} {content}" if depth else content)
        open_depth = depth if flows else -1
    return "\n".join(line if line == _SIGNATURE else line.rstrip() for line in out)
