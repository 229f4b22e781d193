"""The modules beside core.mime: HTML to text, replies, charsets, languages, headers, patterns."""

import importlib
import re
import time

import pytest

from core.charsets import decode, detect, known
from core.flowed import unflow
from core.html_text import html_text
from core.language import language_of
from core.mime_headers import addresses, date, decoded, file_name, message_ids, parameters
from core.quotes import reply_text

MODULES = [
    "charsets",
    "charset_tables",
    "mime",
    "mime_tree",
    "mime_headers",
    "mime_child",
    "html_text",
    "html_tokens",
    "flowed",
    "quotes",
    "closings",
    "quote_words",
    "language",
    "automatic",
    "bounces",
    "forwards",
    "shown_dates",
    "signed",
    "calendars",
    "tnef",
    "rtf",
    "inline_files",
    "transfer",
]
PUMPS = (
    [
        "a",
        "<",
        "<a ",
        '="',
        "'",
        '"',
        "> ",
        "(",
        "&#1",
        "-",
        "--\n",
        "_",
        "=?a?q?",
        "?=",
        "\\",
        '\\"',
        "a@",
        "@",
        "a.",
        "<a@",
        "[a@",
    ]
    + [
        "1:1",
        "1.1.1",
        "550 ",
        "on 1 ",
        "wrote: ",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\n ",
        "a:\n",
        "from: ",
        "content-type: ",
        "meta charset=",
    ]
    + [
        "font-size:0 ",
        "display: none{",
        ".a {display",
        "http",
        "http://",
        "* ",
        "* from",
        "no-",
        "2024-",
        "é",
        "中",
        "cid:",
        "[mailto:",
        "-----BEGIN PGP SIGNED MESSAGE-----\n",
        "\\'a",
        "{\\*\\x",
        "=41",
        "Received: x",
        "Â©",
    ]
)


def patterns():
    for name in MODULES:
        for key, value in vars(importlib.import_module(f"core.{name}")).items():
            if isinstance(value, re.Pattern):
                yield pytest.param(value, id=f"{name}.{key}")


@pytest.mark.parametrize("pattern", list(patterns()))
def test_no_pattern_backtracks_without_end(pattern):
    """50 kB of any pump take less than a tenth of a second, at the best of three: the machine may be busy."""
    for pump in PUMPS:
        text = (pump * (50_000 // len(pump)))[:50_000]
        subject = f"{text}!".encode() if isinstance(pattern.pattern, bytes) else f"{text}!"
        assert any(spent(pattern, subject) < 0.1 for _ in range(3)), pump


def spent(pattern, subject):
    started = time.process_time()
    pattern.search(subject)
    return time.process_time() - started


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="https://x.example/a?b=1&amp;c=2">our page</a>', "our page (https://x.example/a?b=1&c=2)"),
        ('<a href="https://x.example/">https://x.example</a>', "https://x.example"),
        ('<a href="mailto:a@x.example?subject=y">a@x.example</a>', "a@x.example"),
        ('<a href="javascript:alert(1)">click</a> <a href="#top">top</a>', "click top"),
        (
            "<ul><li>one<li>two <ol><li>a</li><li>b</li></ol></li><li>three</ul>after",
            "- one\n- two\n  1. a\n  2. b\n- three\nafter",
        ),
        ('<ol start="3"><li>c</li></ol>', "3. c"),
        ("<table><tr><td><table><tr><td><p>Lay</p><p>out</p></td></tr></table></td></tr></table>", "Lay\n\nout"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>> b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a<br><br>b<div>c<br></div>d", "a\n\nb\nc\nd"),
        ("5 < 6 & 7 &gt; 3", "5 < 6 & 7 > 3"),
        ("<b>bold</b>ness and <i>more</i> ", "boldness and more"),
        ('<div style="display: none">only hidden</div>', "only hidden"),
        ('<span style="visibility:hidden">x</span><span style="opacity:0;">x</span>seen', "seen"),
        ("<style>p{}</style><script>var x='</p>'</script><svg><text>x</text></svg>seen", "seen"),
        ("<!-- <p>no</p> --><![if !mso]>yes<![endif]>", "yes"),
        ("&#65;&eacute;&nbsp;&#99999999999999999999;&#xD800;", "Aé \ufffd"),
        ("never <a closed", "never <a closed"),
        ("", ""),
    ],
)
def test_html_reads_well(markup, text):
    assert html_text(markup) == text


NEW = "We have 200 records now"
ATTRIBUTIONS = [
    "On Mon, Jun 3, 2024 at 10:00 AM Bruno Silva <bruno@x.example> wrote:",
    "On Mon, Jun 3, 2024 at 10:00 AM Bruno Silva\n<bruno@x.example> wrote:",
    "On 3 Jun 2024, at 10:00, Bruno Silva wrote:",
    "On 6/3/24 10:00, Bruno Silva wrote:",
    "El lun, 3 jun 2024 a las 10:00, Bruno (<bruno@x.example>) escribió:",
    "El 3/6/24 a las 10:00, Bruno escribió:",
    "Le lun. 3 juin 2024 à 10:00, Bruno <bruno@x.example> a écrit :",
    "Em seg., 3 de jun. de 2024 às 10:00, Bruno <bruno@x.example> escreveu:",
    "Am Mo., 3. Juni 2024 um 10:00 Uhr schrieb Bruno <bruno@x.example>:",
    "пн, 3 июн. 2024 г. в 10:00, Bruno <bruno@x.example>:",
    "03.06.2024 10:00, Bruno пишет:",
    "Понедельник, 3 июня 2024, 10:00 +03:00 от Bruno <bruno@x.example>:",
    "пн, 3 черв. 2024 р. о 10:00 Bruno <bruno@x.example> пише:",
    "Il giorno lun 3 giu 2024 alle ore 10:00 Bruno <bruno@x.example> ha scritto:",
    "Op ma 3 jun 2024 om 10:00 schreef Bruno <bruno@x.example>:",
    "pon., 3 cze 2024 o 10:00 Bruno <bruno@x.example> napisał(a):",
    "Bruno <bruno@x.example>, 3 Haz 2024 Pzt, 10:00 tarihinde şunu yazdı:",
    "Den mån 3 juni 2024 kl 10:00 skrev Bruno <bruno@x.example>:",
    "Bruno <bruno@x.example> 于2024年6月3日周一 10:00写道：",
    "2024年6月3日(月) 10:00 Bruno <bruno@x.example>:",
    "2024년 6월 3일 (월) 오전 10:00, Bruno <bruno@x.example>님이 작성:",
    "في الاثنين، 3 يونيو 2024 في 10:00 ص تمت كتابة ما يلي بواسطة Bruno <bruno@x.example>:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("below", ["> old\n> text", "\n> old", "\nold text without marks"])
def test_what_stands_below_who_wrote_when_is_a_quotation(attribution, below):
    assert reply_text(f"{NEW}\n{attribution}\n{below}\n") == NEW
    assert reply_text(f"{NEW}\n\n{attribution}\n{below}\n") == NEW


@pytest.mark.parametrize(
    "block",
    [
        "-----Original Message-----\nFrom: A\nSent: x\nTo: y\nSubject: z\n\nold",
        "-----Mensaje original-----\nDe: A\n\nold",
        "________________________________\nDe: A <a@b.c>\nEnviado: lunes\nPara: b\nAsunto: z\n\nold",
        "De : A <a@b.c>\nEnvoyé : lundi\nÀ : b\nObjet : z\n\nold",
        "Von: A\nGesendet: x\nAn: b\nBetreff: q\n\nold",
        "От: A\nОтправлено: x\nКому: b\nТема: q\n\nold",
        "*From:* A\n*Sent:* x\n*To:* y\n*Subject:* z\n\nold",
        "> old\n> older",
        "Sent from my iPhone\n\n> On 3 Jun 2024, at 10:00, Bruno wrote:\n> old",
        "-- \nAmara\nMinistry",
        "--\nAmara",
        "Best regards,\nAmara Mensah\nMinistry of Finance\n+233 20 000",
        "Saludos,\n\nMaría de la Cruz\nDNCP",
        "Enviado desde mi iPhone",
        "Get Outlook for Android<https://aka.ms/x>",
        "On Mon, Jun 3, 2024 at 10:00 AM B <b@x.example> wrote:\n> old\n\n-- \nAmara",
        "On Mon, Jun 3, 2024 at 10:00 AM B <b@x.example> wrote:\n> old\n_______________________\ntalk mailing list\ntalk@x.example",
        "CONFIDENTIALITY NOTICE: This e-mail message, including any attachments, is for the sole use of the intended recipient.",
    ],
)
def test_quotations_and_signatures_go(block):
    assert reply_text(f"New.\n\n{block}\n") == "New."


@pytest.mark.parametrize(
    "text",
    [
        "> q1\nanswer 1\n> q2\nanswer 2",
        "From: A\nSent: b\nTo: c\nSubject: d\n\nonly a header block",
        "Gracias,\nadjunto el archivo",
        "Best regards,\nAmara\n\nPS: call me",
        "Please write to amara@x.example before 10:00:\nit is urgent",
        "The log says, 2024-06-03 10:00:\nerror one\nerror two",
        "-- \nonly a signature",
        "Sent from my iPhone",
        "a -- b\nc",
    ],
)
def test_when_in_doubt_the_text_stays(text):
    assert reply_text(text) == text


def test_a_long_line_above_is_not_taken_for_the_attribution():
    assert (
        reply_text("On 3 June we published.\nOn 4 Jun 2024, at 10:00, Bruno wrote:\n> old")
        == "On 3 June we published."
    )


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1251", "Здравствуйте! Мы публикуем данные о закупках."),
        ("koi8-r", "Здравствуйте! Мы публикуем данные о закупках."),
        ("cp866", "Здравствуйте! Мы публикуем данные о закупках."),
        ("gb18030", "您好，我们想知道如何发布开放合同数据标准的数据。"),
        ("big5", "您好，我們想知道如何發布開放合同數據標準的數據。"),
        ("cp932", "こんにちは。データについて質問があります。"),
        ("euc_jp", "こんにちは。データについて質問があります。"),
        ("iso2022_jp", "こんにちは。データについて質問があります。"),
        ("cp949", "안녕하세요. 데이터 표준에 대해 질문이 있습니다."),
        ("cp1252", "Buenos días, ¿cómo publicamos los datos de contratación? “sí”"),
        ("cp1252", "ação"),
        ("cp1256", "مرحبا، كيف ننشر بيانات التعاقد المفتوح؟"),
        ("cp1253", "Καλημέρα, πώς δημοσιεύουμε τα δεδομένα;"),
        ("utf-8", "Año и ещё"),
    ],
)
def test_a_charset_is_known_by_its_looks(charset, text):
    data = text.encode(charset)
    assert detect(data) == charset
    for declared in ("", "us-ascii", "x-unknown", "nonsense"):
        assert decode(data, declared).text == text


def test_only_charsets_of_text_are_followed():
    for label in (
        "punycode",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "zlib",
        "rot13",
        "base64",
        "x" * 100,
        "a\0b",
        "",
    ):
        assert known(label) == ""
    assert known(' "Latin1" ') == known("windows-1252") == known("ISO-8859-1*en") == "cp1252"
    assert known("ks_c_5601-1987") == "cp949"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Hello, how do we get an OCID prefix?"),
        ("es", "Hola, ¿cómo publicamos los datos?"),
        ("fr", "Bonjour, comment publier nos données ?"),
        ("pt", "Olá, como publicamos os dados?"),
        ("de", "Guten Tag, wie veröffentlichen wir die Daten?"),
        ("it", "Buongiorno, come pubblichiamo i dati?"),
        ("nl", "Goedendag, hoe kunnen wij de gegevens publiceren?"),
        ("pl", "Dzień dobry, jak możemy opublikować dane?"),
        ("ro", "Bună ziua, cum putem publica datele?"),
        ("id", "Apakah kami bisa menerbitkan data ini?"),
        ("tr", "Merhaba, verileri nasıl yayınlayabiliriz?"),
        ("ru", "Здравствуйте, как публиковать данные?"),
        ("uk", "Добрий день, як публікувати дані?"),
        ("ar", "مرحبا، كيف ننشر البيانات؟"),
        ("fa", "سلام، چگونه می‌توانیم داده‌های قرارداد را منتشر کنیم؟"),
        ("zh", "您好，如何发布数据？"),
        ("ja", "こんにちは、データについて質問があります"),
        ("ko", "안녕하세요 데이터 표준에 대해"),
        ("el", "Καλημέρα, πώς δημοσιεύουμε"),
        *(
            ("", text)
            for text in ("", "OK", "tender.value.amount", "12345", "ocds-213czf", '{"ocid": "ocds-213czf-1"}')
        ),
    ],
)
def test_a_language_is_told_or_left_open(language, text):
    assert language_of(text) == language


def test_flowed_lines_join_only_at_the_same_depth():
    assert unflow("a \n> b \n> c\nd") == "a\n> b c\nd"
    assert unflow("> a \n> -- \n> b") == "> a\n> --\n> b"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("<<a@b.example>>", [("", "a@b.example")]),
        ("mailto:a@b.example", [("", "a@b.example")]),
        ('"a b"@x.example', [("", '"a b"@x.example')]),
        ("<@relay:user@host.example>", [("", "user@host.example")]),
        ("a @ b . example", [("", "a@b.example")]),
        ("=?utf-8?Q?John_=3Cjohn@x.example=3E?=", [("John", "john@x.example")]),
        ("=?utf-8?Q?Doe, John?= <j@x.example>", [("Doe, John", "j@x.example")]),
        ("alice@example.org<bob@evil.example>", [("alice@example.org", "bob@evil.example")]),
        ('"Re: \\"Hi\\"" <q@w.example>', [('Re: "Hi"', "q@w.example")]),
        ("undisclosed-recipients:;", []),
        ("a@b.example c@d.example", []),
        ("John Smith", []),
    ],
)
def test_addresses_are_read_as_their_writers_meant_them(field, expected):
    assert [(address.name, address.email) for address in addresses(field)] == expected


def test_small_things_of_headers():
    assert decoded("a =?utf-8?q?what?=20now?= b") == "a what? now b"
    assert decoded("=?utf-8*en?Q?hi?=") == "hi"
    assert message_ids("foo") == ["foo"]
    assert message_ids("=?us-ascii?Q?=3Cabc=40d=3E?=") == ["abc@d"]
    assert date("2024-06-03T10:00:00+02:00").isoformat() == "2024-06-03T08:00:00+00:00"
    assert date("Mon, 3 Jun 99999 10:00:00 +0000") is None
    assert parameters('text/plain; charset="a;b"; x')[1] == {"charset": "a;b"}
    assert file_name("", "..", "/etc/") == ""
