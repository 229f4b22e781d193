"""What other documentation tools write: nothing of their syntax is left on the page."""

import re
import time

import pytest

from core.directives import prepare, unknown
from core.inclusions import File, expand
from core.markdown import render_article


def article(source, language="en"):
    return re.sub(r"\s*\n\s*", "", render_article(source, language=language).html)


def callout(kind, title, inside="<p>x</p>"):
    return f'<div class="admonition {kind}"><p class="admonition-title">{title}</p>{inside}</div>'


@pytest.mark.parametrize(
    ("source", "kind", "titles"),
    [
        ("```{note}\nx\n```", "note", ("Note", "Nota", "Note")),
        (":::{seealso}\nx\n:::", "seealso", ("See also", "Véase también", "Voir aussi")),
        (".. warning:: x", "warning", ("Warning", "Advertencia", "Avertissement")),
        (".. tip::\n\n   x\n", "tip", ("Tip", "Consejo", "Conseil")),
        ("!!! info\n    x", "note", ("Info", "Información", "Information")),
        ("???+ bug\n    x", "danger", ("Bug", "Defecto", "Défaut")),
        ("> [!CAUTION]\n> x", "caution", ("Caution", "Precaución", "Prudence")),
        ("```{versionadded} 1.1\nx\n```", "note", ("New in version 1.1", "Nuevo en la versión 1.1", "Nouveau dans la version 1.1")),
        ("```{eval-rst}\n.. note::\n   x\n```", "note", ("Note", "Nota", "Note")),
    ],
)  # fmt: skip
def test_a_callout_of_any_tool_has_its_title_in_the_language_of_the_article(source, kind, titles):
    for language, title in zip(("en", "es", "fr-ca"), titles, strict=True):
        assert article(source, language) == callout(kind, title)


def test_a_title_of_its_own_stays():
    assert article('!!! tip "Mind"\n    x', "es") == callout("tip", "Mind")
    assert article("```{admonition} Mind\n:class: warning\n\nx\n```", "es") == callout("warning", "Mind")
    assert article('!!! tip ""\n    x', "es") == '<div class="admonition tip"><p>x</p></div>'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("```{ifconfig} language == 'es'\nx\n```\n\ny", "<p>y</p>"),
        ("```{ifconfig} language != 'es'\nx\n```", "<p>x</p>"),
        ("```{only} latex\nx\n```\n\ny", "<p>y</p>"),
        ("```{contents}\n:local:\n```\n\ny", "<p>y</p>"),
        ("```{toctree}\n:hidden:\n\na\n```\n\ny", "<p>y</p>"),
        ("% a remark\n\n```{note}\nx\n```\n+++", callout("note", "Note")),
        ("````{tab-set}\n```{tab-item} JSON\nx\n```\n````", "<p><strong>JSON</strong></p><p>x</p>"),
        ('=== "CSV"\n\n    x\n\ny', "<p><strong>CSV</strong></p><p>x</p><p>y</p>"),
        ("```{epigraph}\nx\n```", "<blockquote><p>x</p></blockquote>"),
        ("```{list-table} Codes\n:header-rows: 1\n\n* - a\n  - b\n* - c\n  - d|e\n```",
         "<p><strong>Codes</strong></p><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td>d|e</td></tr></tbody></table>"),
        ("(l)=\n\n# T\n\n:Author: x", '<h1 id="h-t"><a id="h-l"></a>T</h1><dl><dt>Author</dt><dd>x</dd></dl>'),
        ("{abbr}`OCDS (Open Contracting Data Standard)`", '<p><abbr title="Open Contracting Data Standard">OCDS</abbr></p>'),
        ("a {sub}`2` :term:`release` {octicon}`x`{bdg}`b`", "<p>a <sub>2</sub> release b</p>"),
        ("`{ocid}-{date}`, `tag`", "<p><code>{ocid}-{date}</code>, <code>tag</code></p>"),
        ("a ``{note}`x` `` b", "<p>a <code>{note}`x`</code> b</p>"),
        ('<iframe src="https://v.example/1" title="Film"></iframe>',
         '<p><a href="https://v.example/1" rel="noopener noreferrer nofollow">Film</a></p>'),
    ],
)  # fmt: skip
def test_a_directive_or_role_means_what_it_means(source, html):
    assert article(source) == html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            "<details><summary>More</summary>\n\nInside **it**\n\n</details>\n\nafter",
            "<details><summary>More</summary><p>Inside <strong>it</strong></p></details><p>after</p>",
        ),
        (
            "<details open>\n<summary>A</summary>\n\n- *b*\n\n</details>",
            "<details><summary>A</summary><ul><li><em>b</em></li></ul></details>",
        ),
        ("<details>", "<details></details>"),
        (
            "```{note}\nx\n```\n\n+++ A cell\n\n{#own .wide}\n## Head\n\n[to it](#own)",
            callout("note", "Note") + '<h2 id="h-head"><a id="h-own"></a>Head</h2>'
            '<p><a href="#h-own" rel="noopener noreferrer">to it</a></p>',
        ),
        (":::{grid} 2\n:::{card} Head\nx\n:::\n:::\n", callout("note", "Head")),
    ],
)
def test_what_other_tools_fold_or_name_is_folded_and_named(source, html):
    assert article(source) == html


def test_lines_that_only_myst_gives_a_meaning_stay_where_nobody_writes_it():
    assert article("{#own}\n\n+++ more\n\n:::") == "<p>{#own}</p><p>+++ more</p><p>:::</p>"


def test_a_footnote_is_no_link():
    assert render_article("Text[^1] and [a][b].\n\n[^1]: The foot.\n[b]: c.md\n", language="en").links == ("c.md",)


def test_a_visible_table_of_contents_is_a_list_of_links():
    html = article("```{toctree}\n:caption: Guide\n\nintro\nThe map <map/index>\n```")
    assert '<p><strong>Guide</strong></p><ul><li><a href="intro.md"' in html
    assert '<a href="map/index.md" rel="noopener noreferrer">The map</a>' in html


def test_a_card_leads_where_it_leads():
    html = article(
        "````{grid} 2\n```{grid-item-card} Primer\n:img-top: a.png\n:link: primer/index\n:link-type: doc\n\nLearn\n```\n````"
    )
    assert "gutter" not in html
    assert '<a href="primer/index.md" rel="noopener noreferrer">Primer</a></p><p>Learn</p>' in html
    assert "a.png" in html


def test_what_is_not_known_is_told_with_its_lines():
    source = "a\n\n```{note}\n:::{mystery} x\n:::\n```\n\n```\n```{code}\n```\n\n```{mystery}\n```\n.. riddle::\n"
    assert unknown(source) == {"mystery": [4, 12], "riddle": [14]}


def test_what_stands_in_code_is_no_directive():
    source = "~~~\n.. note:: x\n!!! tip\n:::{note}\n~~~"
    assert prepare(source) == source


@pytest.mark.parametrize(
    "shown", ["    ```{note}\n    x\n    ```", "    .. note:: x\n", "        :::{tip}\n        x\n        :::"]
)
@pytest.mark.parametrize("before", ["", "Like this:\n\n", "- a\n\nLike this:\n\n", "# Head\n\n    more\n\n"])
def test_a_directive_in_an_indented_block_is_code(before, shown):
    source = f"{before}{shown}\n\nafter"
    assert prepare(source) == source


@pytest.mark.parametrize(
    "before", ["1. a\n\n", "- a\n  b\n\n  c\n\n", "- a\nlazy\n\n", '!!! tip "T"\n\n', "Word\n:   what\n\n", "b\n"]
)
def test_a_directive_that_something_holds_is_none_of_code(before):
    assert '!!! note "Note"' in prepare(f"{before}    ```{{note}}\n    x\n    ```\n\nafter")


@pytest.mark.parametrize(
    ("wanted", "shown"), [("0,2", "| a | c |"), ("2 0", "| c | a |"), ("1,9", "| b |"), ("", "| a | b | c |")]
)
def test_a_table_brings_in_the_columns_that_are_named(wanted, shown):
    option = f":included_cols: {wanted}\n" if wanted else ""
    source = f"```{{csv-table-no-translate}}\n:header-rows: 1\n{option}:file: a.csv\n```"
    brought = expand(source, "x.md", lambda target, _source: File(target, "a,b,c\n1,2,3\n"))
    assert shown in brought.text.split("\n")
    assert not brought.problems


@pytest.mark.parametrize("opening", ["```{note}\n> x\n> ```", ":::{note}\n> x\n> :::", ".. note:: x"])
def test_a_directive_in_a_quotation_is_one(opening):
    assert (
        article(f"> {opening}\n>\n> y\n\nz") == f"<blockquote>{callout('note', 'Note')}<p>y</p></blockquote><p>z</p>"
    )


@pytest.mark.parametrize(
    "source",
    [
        "`" * 19_000 + "{a",
        "` `` " * 3_900 + "{ref}`x`",
        "!!! " + "a " * 50_000,
        ".. note::\n" * 3_000,
        "```{note}\n" * 2_000,
        "> ```{note}\n" * 3_000,
        "    ```{note}\n\n" * 3_000,
        "{ref}`" * 30_000,
        ":a: b\n" * 20_000 + "```{note}\n```",
        "```{note}\n```\n" + ("{" + ".a" * 140 + "\n") * 300,
        "<details " * 10_000,
        "<details>\n" * 3_000,
    ],
)
def test_no_source_takes_long(source):
    begin = time.process_time()
    prepare(source)
    assert time.process_time() - begin < 3
