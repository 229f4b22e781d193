"""Markdown of articles and messages, plain text, and text from HTML."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.markdown import Heading, render_article, render_message, render_plain, slug, targets, to_text
from core.markdown_layout import laid_out

ARTICLES = sorted((Path(__file__).parents[2] / "portal" / "demo" / "articles").rglob("*.md"))


def article(source, **kwargs):
    """The HTML on one line, for comparing."""
    return re.sub(r"\s*\n\s*", "", render_article(source, **kwargs).html)


# Articles


def test_headings_have_anchors_as_on_github_and_stand_in_the_contents():
    rendered = render_article(
        "# Señales & `code`\n\n## Step 1: go!\n\n## Step 1: go!\n\n### 日本 *語*\n\n## Step 1: go! 1"
    )
    assert rendered.contents == (
        Heading(1, "h-señales--code", "Señales & code"),
        Heading(2, "h-step-1-go", "Step 1: go!"),
        Heading(2, "h-step-1-go-1", "Step 1: go!"),
        Heading(3, "h-日本-語", "日本 語"),
        Heading(2, "h-step-1-go-1-1", "Step 1: go! 1"),
    )
    assert rendered.headings[0] == "Señales & code"
    for heading in rendered.contents:
        assert f'<h{heading.level} id="{heading.id}">' in rendered.html


def test_a_link_to_a_heading_of_the_same_article_arrives():
    assert 'href="#h-step-1"' in article("[go](#step-1)\n\n## Step 1")


def test_a_slug_keeps_letters_of_every_script():
    assert slug(" Où est l’OCID ? ") == "où-est-locid-"
    assert slug("!!!") == "section"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("| a | b |\n| --- | ---: |\n| 1 | 2 |", '<th align="right">b</th>'),
        ("| a | b |\n| --- | ---: |\n| 1 | 2 |", '<td align="right">2</td>'),
        ("term\n: meaning", "<dl><dt>term</dt><dd>meaning</dd></dl>"),
        ("x[^1]\n\n[^1]: why", '<sup id="fnref-1"><a class="footnote-ref" href="#fn-1"'),
        ("x[^1]\n\n[^1]: why", '<li id="fn-1">'),
        ("~~gone~~", "<del>gone</del>"),
        ("H2O ~a~", "<p>H2O ~a~</p>"),
        ("some_long_name", "<p>some_long_name</p>"),
        ("- [ ] open\n- [x] done", '<ul class="task-list"><li class="task-list-item">☐ open</li>'),
        ("- [ ] open\n- [x] done", '<li class="task-list-item">☑ done</li>'),
        ("OCID\n\n*[OCID]: open contracting id", '<abbr title="open contracting id">OCID</abbr>'),
        ("see https://example.org/a.", '<a href="https://example.org/a" rel="noopener noreferrer nofollow">https://example.org/a</a>.'),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("a\\\nb", "a<br>b"),
        ('<div class="note">\n\n**x**\n\n</div>', '<div class="note"><p><strong>x</strong></p></div>'),
    ],
)  # fmt: skip
def test_what_articles_are_written_with(source, expected):
    assert expected in article(source)


def test_code_is_coloured_by_classes():
    html = article('```json\n{"id": 1}\n```')
    assert html.startswith('<div class="highlight"><pre>')
    assert '<span class="nt">"id"</span>' in html


@pytest.mark.parametrize(
    "source",
    [
        '!!! warning "Mind"\n    **x**', "!!! warning\n    **x**", "> [!WARNING]\n> **x**", "```{warning}\n**x**\n```", ":::{warning}\n**x**\n:::",
        "```{warning} **x**\n```", "````{warning}\n**x**\n````", "```{warning}\n:class: y\n\n**x**\n```",
    ],
)  # fmt: skip
def test_callouts_of_all_tools_are_callouts(source):
    title = "Mind" if "Mind" in source else "Warning"
    assert (
        article(source)
        == f'<div class="admonition warning"><p class="admonition-title">{title}</p><p><strong>x</strong></p></div>'
    )


def test_a_named_callout_has_its_name_and_what_is_inside_is_laid_out():
    html = article("````{admonition} Worked **example**\n- a\n\n```json\n{}\n```\n````")
    assert html.startswith(
        '<div class="admonition note"><p class="admonition-title">Worked <strong>example</strong></p><ul>'
    )
    assert '<div class="highlight">' in html


def test_a_directive_that_is_not_known_is_shown_with_its_name():
    html = article("before\n\n```{jsoninclude} ../x.json\n:title: <b>\n\n`a`\n```\n\nafter")
    assert html == (
        '<p>before</p><div class="admonition directive"><p class="admonition-title">jsoninclude</p><div class="highlight"><pre>'
        "<span></span><code>../x.jsontitle: &lt;b&gt;`a`</code></pre></div></div><p>after</p>"
    )


def test_a_directive_inside_a_list_stays_in_it():
    html = article("1. a\n\n   ```{csv-table}\n   x,y\n   ```\n\n2. b")
    assert re.fullmatch(
        r'<ol><li><p>a</p><div class="admonition directive">.*x,y.*</div></li><li><p>b</p></li></ol>', html
    )


def test_roles_are_links_or_words_and_labels_are_anchors():
    html = article(
        "(here)=\n\n## Title\n\n{doc}`../a/b` {doc}`text <c>` {ref}`see <here>` {ref}`else <away>` {ref}`away` {term}`release`"
    )
    assert '<h2 id="h-title"><a id="h-here"></a>Title</h2>' in html
    assert (
        '<a href="../a/b.md" rel="noopener noreferrer">a/b</a> <a href="c.md" rel="noopener noreferrer">text</a>'
        in html
    )
    assert '<a href="#h-here" rel="noopener noreferrer">see</a> else away release' in html


def test_each_target_is_asked_for_as_it_was_written():
    source = (
        '[a](b.md) [c](d.md#e "t") ![p](img/q.png) [![in](r.png)](s.md) [t][u] {doc}`v` <img src="w.png"> [x](<y z.md>) '
        "[k](l\\_m.md) [n](o(p).md) [s](#local)\n\n[u]: ../u.md\n\n```{image} i.png\n:alt: I\n```\n\n```\n[no](no.md)\n```"
    )
    asked = []
    rendered = render_article(source, resolve=lambda target: asked.append(target) or "/kb/en/x")
    expected = {
        "b.md",
        "d.md#e",
        "img/q.png",
        "r.png",
        "s.md",
        "../u.md",
        "v.md",
        "w.png",
        "y z.md",
        "l_m.md",
        "o(p).md",
        "i.png",
    }
    assert set(asked) == set(rendered.links) == expected
    assert set(targets(source)) == expected
    assert 'href="/kb/en/x"' in rendered.html


def test_a_target_that_leads_nowhere_is_no_link():
    assert article("[a](b.md)", resolve=lambda _: "") == "<p><a>a</a></p>"


def test_pictures_of_this_site_are_shown_and_others_are_links():
    html = article(
        "![Plan](p.png) ![Map](https://other.example/m.png)",
        resolve=lambda t: f"/kb/files/1/{t}" if t == "p.png" else t,
    )
    assert '<img alt="Plan" src="/kb/files/1/p.png">' in html
    assert 'class="remote-picture"' in html
    assert ">Map</a>" in html


def test_the_text_of_an_article_is_its_words():
    rendered = render_article(
        "# Title\n\nA *b* [c](https://x.example).\n\n- d\n  - e\n\n```\nf  g\n  h\n```\n\n| i | j |\n|---|---|\n| k | l |"
    )
    assert rendered.text == "Title\n\nA b c.\n\n- d\n  - e\n\nf  g\n  h\n\ni | j\nk | l"


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_articles_that_come_with_it_are_laid_out(path):
    source = path.read_text().split("---\n", 2)[2]
    asked = []
    rendered = render_article(source, resolve=lambda target: asked.append(target) or target)
    assert set(asked) <= set(targets(source)) | {target for target in asked if target.startswith("http")}
    written = re.findall(r"(?m)^#{1,6} ", re.sub(r"(?sm)^```.*?^```", "", source))
    assert len(rendered.contents) == len(written)
    assert "!!!" not in rendered.html
    assert "\n- " not in re.sub(r"(?s)<pre>.*?</pre>", "", rendered.html)


def test_blocks_of_html_that_were_left_open_lose_no_text():
    assert (
        article("a\n\n<div>\n\nb\n\n<div>\n\n**c**")
        == "<p>a</p><div><p>b</p><div><p><strong>c</strong></p></div></div>"
    )
    assert "<strong>x</strong>" in article("<div markdown='1'>" * 4 + "\n\n**x**")


# How people lay Markdown out


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("text\n- a\n- b\n\nmore", "<p>text</p><ul><li>a</li><li>b</li></ul><p>more</p>"),
        ("- a\n  - b\n    - c\n  - d\n- e", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li><li>d</li></ul></li><li>e</li></ul>"),
        ("1. a\n   - b\n2. c\n\n   d\n3. e", "<ol><li>a<ul><li>b</li></ul></li><li><p>c</p><p>d</p></li><li><p>e</p></li></ol>"),
        ("1) a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
        ("- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("It was\n1986. A great year\n- 5 degrees", "<p>It was1986. A great year</p><ul><li>5 degrees</li></ul>"),
        ("text\n| a | b |\n|---|---|\n| c | d |", "<p>text</p><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td>d</td></tr></tbody></table>"),
        ("- a\n  > b\n- c", "<ul><li><p>a</p><blockquote><p>b</p></blockquote></li><li><p>c</p></li></ul>"),
        ("> - a\n>   - b", "<blockquote><ul><li>a<ul><li>b</li></ul></li></ul></blockquote>"),
        ("    - code\n      - code", '<div class="highlight"><pre><span></span><code>- code- code</code></pre></div>'),
        ("<pre>\n- a\n  - b\n</pre>", "<pre>- a- b</pre>"),
        ("!!! note\n    a\n    - b\n      - c", '<div class="admonition note"><p class="admonition-title">Note</p><p>a</p><ul><li>b<ul><li>c</li></ul></li></ul></div>'),
        ("* * *\n- a", "<hr><ul><li>a</li></ul>"),
    ],
)  # fmt: skip
def test_lists_and_tables_are_read_as_by_other_tools(source, expected):
    assert article(source) == expected


def test_code_in_a_list_keeps_its_lines():
    html = render_article('1. a\n\n   ```\n   {\n     "x": 1\n   }\n   ```\n\n2. b').html
    assert '<code>{\n  "x": 1\n}\n</code>' in html
    assert html.count("<ol>") == 1


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.builds(
            lambda column, start, text: " " * column + start + text,
            st.integers(0, 9),
            st.sampled_from(["", "- ", "* ", "1. ", "2) ", "> ", "# ", "```", "!!! note", "| a |", "---", "    "]),
            st.sampled_from(["", "one", "two three"]),
        ),
        max_size=12,
    )
)
def test_laying_out_loses_no_line(lines):
    source = "\n".join(lines)
    words = re.findall(r"one|two three", source)
    assert re.findall(r"one|two three", laid_out(source)) == words


# Messages


def test_a_message_is_markdown_with_its_line_breaks():
    html = render_message("Hi **all**,\nsee www.example.org\n\n- a\n\n| x |\n|---|\n| ~~y~~ |")
    assert "<p>Hi <strong>all</strong>,<br>\nsee <a " in html
    assert 'href="http://www.example.org" rel="noopener noreferrer nofollow"' in html
    assert "<td><del>y</del></td>" in html


def test_html_in_a_message_is_text_and_nothing_typed_is_lost():
    html = render_message(
        "The <tender> tag, `<b>` and <!-- this -->, a<b\n\n    <code>\n\n<https://example.org> <who@example.org>"
    )
    assert "The &lt;tender&gt; tag, <code>&lt;b&gt;</code> and &lt;!-- this --&gt;, a&lt;b" in html
    assert "<pre><code>&lt;code&gt;\n</code></pre>" in html
    assert '<a href="https://example.org" ' in html
    assert '<a href="mailto:who@example.org" ' in html


STALLING = [
    "[",
    "![",
    "*",
    "a*b_",
    "<",
    "> ",
    "- ",
    "**a ",
    "[a](",
    "a|b\n-|-\n",
    "x\ny\n",
    "**_",
    "|a\n",
    "&#",
    "`a``",
    "<!--",
    "www.a.",
    "[a]: b\n",
    "<a ",
    "1. ",
]


@pytest.mark.parametrize("piece", STALLING)
def test_no_message_takes_long(piece):
    for render in (render_message, render_plain):
        begin = time.process_time()
        render(piece * (190_000 // len(piece)))
        assert time.process_time() - begin < 4


def test_a_very_long_message_is_shown_as_it_was_written():
    assert render_message("**x** " * 40_000).startswith("<p>**x** **x**")


# Plain text


def test_plain_text_has_paragraphs_lines_and_links():
    assert render_plain("Hi <b>,\n  x   y\n\n\n\n(https://example.org/a_(b)?c=1&d=2). Bye") == (
        "<p>Hi &lt;b&gt;,<br>&nbsp; x&nbsp;&nbsp; y</p>"
        '<p>(<a href="https://example.org/a_(b)?c=1&amp;d=2" rel="noopener noreferrer nofollow">https://example.org/a_(b)?c=1&amp;d=2</a>). Bye</p>'
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.org.", "https://example.org"), ("“https://example.org/x”", "https://example.org/x"), ("<https://example.org/x>", "https://example.org/x"),
        ("(https://example.org/x)", "https://example.org/x"), ("https://example.org/x, y", "https://example.org/x"), ("http://localhost:8000/x?", "http://localhost:8000/x"),
    ],
)  # fmt: skip
def test_the_sentence_around_an_address_is_not_part_of_it(text, address):
    assert f'href="{address}"' in render_plain(text)


def test_only_web_addresses_of_plain_text_are_links():
    assert "<a" not in render_plain("javascript:alert(1) mailto:x@y.z ftp://x https:// https://a@b.example/")


# Text from HTML


def test_text_from_html_keeps_paragraphs_lists_and_lines():
    html = "<h2>A</h2><p>b<br>c &amp;\n d</p><ol><li>e</li><li><p>f</p></li></ol><hr><img alt='g'><table><tr><td>h</td><td>i</td></tr></table>"
    assert to_text(html) == "A\n\nb\nc & d\n\n1. e\n2. f\n\ng\n\nh | i"


def test_text_from_html_of_any_size_is_quick():
    begin = time.process_time()
    for piece in ("<", "<a", "<p>", "&", "<!--", "</", "<ul><li>", '<a b="'):
        to_text(piece * (400_000 // len(piece)))
    assert time.process_time() - begin < 10
