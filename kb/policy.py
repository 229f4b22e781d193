"""Who may read and write the knowledge base."""

from accounts.models import User
from accounts.policy import staff
from core.policy import anyone, role_rule, rule
from kb.answer_review import may_read
from kb.models import READABLE, Answer, Article, ArticleFile, visibilities_of


def reads(person: User | None, text: Article | Answer) -> bool:
    """Published texts by their visibility; staff read drafts too."""
    return text.visibility in visibilities_of(person) and (text.state in READABLE or staff(person))


def reads_file(person: User | None, file: ArticleFile) -> bool:
    """By the file's visibility."""
    return file.visibility in visibilities_of(person)


role_rule("kb.browse", anyone, "Browse and search what is published.")
role_rule("article.sync", staff, "See how articles and a Git repository are kept the same, and decide conflicts.")
role_rule("article.add", staff, "Write a new article.")
role_rule("collection.edit", staff, "Write collections, and put articles in order.")
rule("collection.see", lambda person, row: row.visibility in visibilities_of(person), "Read a collection.")
role_rule("feedback.see", staff, "Read what readers said of articles.")
rule("article.see", reads, "Read an article.")
rule("article.edit", lambda person, _article: staff(person), "Change, publish and restore an article.")
rule("answer.see", reads, "Read a past answer.")
role_rule("answer.decide", anyone, "Decide by a signed link whether one's question is published.")
rule(
    "answer.review",
    lambda person, answer: person is not None and staff(person) and may_read(answer, person),
    "Be the second reader of a past answer that somebody else wrote.",
)
rule("answer.edit", lambda person, _answer: staff(person), "Change, publish and withdraw a past answer.")
rule("article_file.see", reads_file, "Load a picture or file of the knowledge base.")
