"""Texts that read like ours: paragraphs of the demo's articles, put together anew, always the same for the same seed."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

from core import markdown

ROOT = Path(__file__).parent.parent / "portal" / "demo" / "articles"
# Nobody else's texts have this word.
RARE_WORD = "quillwort"
COMMON_WORD = "release"
ARTICLE_WORDS = 460


@dataclass(frozen=True)
class Block:
    """One paragraph, laid out once."""

    source: str
    article_html: str
    message_html: str
    text: str
    words: int


class Texts:
    """Paragraphs, sentences and titles of one language, chosen by a generator of its own."""

    def __init__(self, language: str, seed: int) -> None:
        self.random = random.Random(seed)
        sources = [path.read_text("utf-8").split("---", 2)[2] for path in sorted((ROOT / language).glob("*.md"))]
        self.blocks = [_block(source) for article in sources for source in _paragraphs(article)]
        joined = " ".join(block.text for block in self.blocks)
        self.sentences = [each.strip() for each in re.split(r"(?<=[.?!])\s+", joined) if 30 < len(each) < 220]
        self.headings = sorted(
            {found for source in sources for found in re.findall(r"^## (.+)$", source, re.MULTILINE)}
        )

    def title(self, number: int) -> str:
        """A title of some seven words, unlike the others."""
        words = self.random.choice(self.sentences).rstrip(".?!").split()
        return f"{' '.join(words[: self.random.randint(5, 9)])} ({number})"

    def article(self, words: int = ARTICLE_WORDS) -> tuple[list[str], list[Block]]:
        """Headings and paragraphs of an article of about so many words."""
        chosen: list[Block] = []
        while sum(block.words for block in chosen) < words:
            chosen.append(self.random.choice(self.blocks))
        return self.random.sample(self.headings, min(5, len(self.headings))), chosen

    def message(self) -> tuple[str, str]:
        """Some 70 words, as (text, HTML)."""
        said = [" ".join(self.random.choices(self.sentences, k=2)) for _ in range(self.random.randint(1, 3))]
        return "\n\n".join(said), "".join(f"<p>{each}</p>\n" for each in said)


def _paragraphs(article: str) -> list[str]:
    """The plain paragraphs, lists and tables of an article; what spans several blocks is left out."""
    parts = [part.strip() for part in article.split("\n\n")]
    return [
        part
        for part in parts
        if part and not part.startswith(("#", "!!!", "```", " ", "{", "===")) and "```" not in part
    ]


def _block(source: str) -> Block:
    rendered = markdown.render_article(source)
    text = rendered.text.strip().replace("<", "‹").replace("&", "and")
    return Block(source, rendered.html, markdown.render_message(source), text, len(text.split()))
