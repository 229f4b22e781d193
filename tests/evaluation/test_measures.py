"""The measures, the judged questions and the reader of collections say what they should."""

import json

import pytest

from evaluation import asking, judged
from evaluation.measures import mean, ndcg, rank_of


def test_the_best_order_is_1_and_every_slip_costs():
    grades = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert ndcg(["a", "b", "c"], grades) == pytest.approx(1)
    assert ndcg(["b", "a", "c"], grades) == pytest.approx((2 + 3 / 1.5849625 + 1 / 2) / (3 + 2 / 1.5849625 + 1 / 2))
    assert ndcg(["x", "y"], grades) == 0
    assert ndcg(["a", "a", "b", "c"], grades) == pytest.approx(1)
    assert ndcg(["x"] * 10 + ["a"], {"a": 1}, cut=1) == 0
    assert ndcg(["a"], {}) == 0
    assert (rank_of(["x", "a"], {"a"}), rank_of(["x"], {"a"})) == (2, None)
    assert (mean([1, 0]), mean([])) == (0.5, 0.0)


def test_there_are_fifty_questions_in_each_language_and_each_has_a_right_page():
    for language in judged.LANGUAGES:
        questions = judged.own(language)
        assert len({question.text for question in questions}) == 50
        assert all(max(question.grades.values()) == 3 for question in questions)


def test_a_collection_is_read_and_asked(app, tmp_path):
    documents = [
        {"id": "7", "title": "Lots", "text": "A tender in parts."},
        {"_id": "8", "text": "Amendments change."},
    ]
    (tmp_path / "documents.jsonl").write_text("\n".join(json.dumps(row) for row in documents) + "\n")
    (tmp_path / "queries.jsonl").write_text('{"id": 1, "text": "amendments"}\n{"id": 2, "text": "not judged"}\n')
    (tmp_path / "qrels.tsv").write_text("query\tdoc\tgrade\n1\t8\t2\n1\t7\t0\n2\t7\t0\n")
    questions = judged.questions(tmp_path)
    assert [(question.text, question.grades) for question in questions] == [("amendments", {"8": 2.0})]
    with app.app_context():
        names = asking.load(judged.documents(tmp_path))
        assert names == {"article:1": "7", "article:2": "8"}
        score = asking.ask("small", [(question, question.grades) for question in questions], names)
        assert (score.ndcg, score.asked) == (1, 1)


def test_a_line_that_is_no_json_is_named(tmp_path):
    (tmp_path / "documents.jsonl").write_text('{"id": "1"}\nno\n')
    with pytest.raises(ValueError, match="documents.jsonl, line 2"):
        list(judged.documents(tmp_path))
