"""What may be shown: nothing that runs, nothing that loads from elsewhere, nothing that stands for a part of the page."""

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.sanitise import MOST_BYTES, clean, preformatted, safe_url
from tests.payloads import RENDERERS, payloads

# Written out once more, so that a slip in the lists of the sanitiser shows.
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr"),
    *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "i", "img", "ins", "kbd", "li", "mark", "ol", "p"),
    *("pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot"),
    *("th", "thead", "tr", "u", "ul", "var"),
}
ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "ol": {"start"},
    "abbr": {"title"},
}
EVERYWHERE = {"class", "id", "lang", "dir"}


class Reader(HTMLParser):
    """A parser that is not the sanitiser's."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl):
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")


def tags_of(markup):
    reader = Reader()
    reader.feed(markup)
    reader.close()
    assert not reader.rawdata, markup
    return reader.tags


def assert_harmless(markup, kind):
    for tag, attributes in tags_of(markup):
        assert tag in TAGS, markup
        for name, value in attributes.items():
            assert name in ATTRIBUTES.get(tag, set()) | EVERYWHERE, markup
            assert not re.search(r"[\x00-\x08\x0b-\x1f]", value), markup
        for name in ("href", "src"):
            assert_address(attributes.get(name), markup)
        if tag == "img":
            assert kind in {"article", "clean article", "clean mail"}, markup
            path = attributes["src"].partition("?")[0]
            assert "://" not in path, markup
            assert ".." not in path, markup
            assert not path.startswith("/") or path.startswith("/kb/files/"), markup
        if "id" in attributes:
            assert kind in {"article", "clean article"}, markup
            assert re.match(r"h-|fn-|fnref\d*-", attributes["id"]), markup
        if "href" in attributes:
            is_ours = "://" not in attributes["href"] and "mailto:" not in attributes["href"]
            expected = "noopener noreferrer" + ("" if is_ours else " nofollow")
            assert attributes["rel"] == expected, markup
        for word in attributes.get("class", "").split():
            assert word not in {"btn", "btn-primary", "modal", "position-fixed"}, markup


def assert_address(address, markup):
    """What a browser makes of it: https://url.spec.whatwg.org/#concept-basic-url-parser."""
    if address is None:
        return
    seen = re.sub(r"[\t\n\r]", "", address).lstrip("".join(map(chr, range(33))))
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", seen)
    assert not scheme or scheme[1].lower() in {"http", "https", "mailto"}, markup
    assert not seen.startswith(("//", "/\\", "\\")), markup
    assert not re.match(r"https?:(?!//[^/])", seen, re.IGNORECASE), markup
    assert not re.match(r"https?://[^/?#]*@", seen, re.IGNORECASE), markup


@pytest.mark.parametrize("kind", RENDERERS)
def test_nothing_harmful_is_left_of_any_attack(kind):
    for payload in payloads():
        assert_harmless(RENDERERS[kind](payload), kind)


@pytest.mark.parametrize("kind", ["article", "message", "mail"])
def test_cleaning_again_changes_nothing(kind):
    for payload in payloads():
        once = clean(payload, kind=kind)
        assert clean(once, kind=kind) == once, payload


PIECES = st.one_of(
    st.sampled_from(payloads()),
    st.builds(
        lambda slash, name, rest: f"<{slash}{name}{rest}>",
        st.sampled_from(["", "", "/"]),
        st.sampled_from(
            [*sorted(TAGS), "svg", "math", "style", "template", "form", "select", "script", "title", "noscript"]
        ),
        st.sampled_from(
            [
                "",
                "",
                " href=/x",
                " href='https://x.org/?a&b'",
                " src=/kb/files/a/b",
                " title='<b>\"'",
                " class='note k'",
                " id=h-x",
                " /",
            ]
        ),
    ),
    st.sampled_from(
        ["x", "\n", "\n\n", "&amp;", "&lt;", "&", "<", "&nbsp;", "<!--", "-->", "'", '"', "\r", "\x00", "\ud800"]
    ),
    st.text(max_size=5),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(markup=st.lists(PIECES, max_size=25).map("".join), kind=st.sampled_from(["article", "message", "mail"]))
def test_cleaning_anything_again_changes_nothing(markup, kind):
    once = clean(markup, kind=kind)
    assert clean(once, kind=kind) == once
    assert_harmless(once, f"clean {kind}")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=c#d", "http://example.org", "mailto:help@example.org?subject=x", "/kb/en/x", "x.md#y", "#h-x",
        "?page=2", "../a:b/c", "https://example.org/a:b", "https://[2001:db8::1]/", "https://пример.example/", "./a:b",
    ],
)  # fmt: skip
def test_an_honest_address_stays(url):
    assert safe_url(url) == url
    assert safe_url(f"  {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "java\nscript:x", "\x01javascript:x", "data:text/html,x",
        "vbscript:x", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "https:evil.example", "https:///evil.example",
        "http:/evil.example", "https://a@evil.example/", "https://", "mailto:", ":x", "x:y", "javascript\u200b:x", "\u00a0javascript:x",
        "ftp://example.org/", "file:///etc/passwd", "https://[::1", "java script:x", "https://x.org\u202e/", "/" + "x" * 9000, "\ufeff//evil.example",
    ],
)  # fmt: skip
def test_a_dishonest_address_is_refused(url):
    assert safe_url(url) == ""


def test_a_blank_in_an_address_is_written_as_browsers_do():
    assert safe_url("https://example.org/a b") == "https://example.org/a%20b"


def test_what_people_write_is_kept():
    written = (
        '<h2 id="h-a-b">A &amp; b</h2><p>x <strong>y</strong> <a href="/kb/en/x" title="t" rel="noopener noreferrer">z</a><br></p>'
        '<table><thead><tr><th align="right">a</th></tr></thead><tbody><tr><td colspan="2">1</td></tr></tbody></table>'
        '<div class="admonition note"><p class="admonition-title">Note</p></div><pre><code>a\n  b</code></pre>'
        '<div class="highlight"><pre><span class="nt">x</span></pre></div><img src="/kb/files/a/b.png" alt="c">'
    )
    assert clean(written, kind="article") == written


def test_a_picture_of_another_site_becomes_a_link_to_it():
    shown = clean('<p><img src="https://other.example/a.png" alt="A map"></p>', kind="article")
    assert tags_of(shown) == [
        ("p", {}),
        (
            "a",
            {"href": "https://other.example/a.png", "class": "remote-picture", "rel": "noopener noreferrer nofollow"},
        ),
    ]
    assert ">A map</a>" in shown


def test_a_picture_of_another_site_inside_a_link_is_its_words():
    shown = clean(
        '<a href="https://a.example/"><img src="https://other.example/a.png" alt="A map"></a>', kind="article"
    )
    assert [tag for tag, _ in tags_of(shown)] == ["a"]
    assert ">A map</a>" in shown


def test_a_mail_shows_the_pictures_that_came_with_it_and_names_the_others():
    mail = '<img src="cid:logo@x" alt="Logo"><img src="https://other.example/a.png"><img src="https://t.example/" width="1" height="1">'
    shown = clean(mail, kind="mail", cids={"logo@x": "/tickets/5/files/7"})
    assert tags_of(shown) == [
        ("img", {"src": "/tickets/5/files/7", "alt": "Logo"}),
        (
            "a",
            {"href": "https://other.example/a.png", "class": "remote-picture", "rel": "noopener noreferrer nofollow"},
        ),
    ]
    assert ">[image]</a>" in shown
    assert clean(shown, kind="mail", cids={"logo@x": "/tickets/5/files/7"}) == shown


def test_a_mail_cannot_name_pictures_of_this_site():
    assert clean('<img src="/kb/files/a/b.png">', kind="mail", cids={"x": "/files/1"}) == "[image]"


def test_relative_links_stay_in_articles_and_from_the_root_in_messages():
    link = '<a href="x.md">a</a><a href="/kb/en/x">b</a>'
    assert [tag[1].get("href") for tag in tags_of(clean(link, kind="article"))] == ["x.md", "/kb/en/x"]
    assert [tag[1].get("href") for tag in tags_of(clean(link, kind="message"))] == [None, "/kb/en/x"]
    assert [tag[1].get("href") for tag in tags_of(clean(link, kind="mail"))] == [None, None]


def test_unclosed_and_crossed_tags_are_put_in_order():
    assert clean("<p>a<b>c<div>x</b>y", kind="message") == "<p>a<b>c</b></p><div>xy</div>"
    assert clean("<ul><li>a<li>b</ul>c", kind="message") == "<ul><li>a</li><li>b</li></ul>c"
    assert clean("a < b <3 <x", kind="message") == "a &lt; b &lt;3 &lt;x"


def test_who_speaks_of_a_script_is_heard():
    assert (
        clean("Where does <script> go, and <title>?", kind="article")
        == "Where does &lt;script&gt; go, and &lt;title&gt;?"
    )


def slow(name):
    """Input that takes a parser of HTML seconds, minutes or gigabytes."""
    many = "".join(f"<b title=x{number}>" for number in range(700))
    return {
        "deep": "<div>" * 49_000,
        "deeper": "<div>" * 70_000,
        "unclosed inside a paragraph": f"<p>{many}</p>" + "<p>x</p>" * 23_000,
        "unclosed inside a table": f"<table>{many}" + "<tr>x" * 40_000,
        "attributes": "<a " + " ".join(f"{number:x}" for number in range(0xA0000, 0xA0000 + 165_000)) + ">x",
        "ampersands": "&" * 900_000,
        "brackets": "<" * 990_000,
        "unclosed": "<x" * 490_000,
        "quotes": '<a b="' * 150_000,
        "comments": "<!--" * 240_000,
        "scripts": "<script>" * 120_000,
        "references": "&#1" * 330_000,
    }[name]


SLOW = ["deep", "deeper", "unclosed inside a paragraph", "unclosed inside a table", "attributes", "ampersands", "brackets",
        "unclosed", "quotes", "comments", "scripts", "references"]  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_no_input_takes_the_sanitiser_long_or_makes_it_write_much(name):
    begin = time.process_time()
    shown = clean(slow(name), kind="article")
    # Each takes a second or two here; without the limits, many more, or hundreds of megabytes.
    assert time.process_time() - begin < 5
    assert len(shown) < 2_500_000
    assert clean(shown, kind="article") == shown


def test_what_is_nested_too_deeply_keeps_its_text():
    shown = clean(
        "<div>" * 5_000 + "deep" + "</div>" * 4_900 + "<i>less</i>" + "</div>" * 100 + "<p>out</p>", kind="article"
    )
    assert shown == "<div>" * 200 + "deep" + "</div>" * 100 + "<i>less</i>" + "</div>" * 100 + "<p>out</p>"


def test_line_breaks_at_the_beginning_of_code_are_left_out_at_once():
    # A parser drops one of them at each reading.
    assert clean("<p>a</p><pre>" + "\n" * 20 + "x\n\ny</pre>", kind="article") == "<p>a</p><pre>x\n\ny</pre>"


def test_what_is_too_large_is_shown_as_text():
    shown = clean("<p>a &lt; b</p>" * 60_000, kind="article")
    assert shown.startswith("<pre>a &lt; b\n\na &lt; b\n")
    assert clean(shown, kind="article") == shown


@pytest.mark.parametrize(
    "text",
    [
        "€" * 500_000,
        "&" * 500_000,
        "<" * 2_000_000,
        "x\n" * 900_000,
        "\n\n\nx",
        "&&&&&\n\n\n\n" * 60_000,
        "\u00a0" * 300_000 + "x",
    ],
)
def test_plain_text_of_any_size_stays_plain(text):
    shown = preformatted(text)
    assert len(shown.encode()) <= MOST_BYTES
    assert clean(shown, kind="message") == shown
    assert html.unescape(shown[5:-6]).strip() in text.replace("\u00a0", " ")
