"""The new text of a reply, in the languages and programs of the world: what is quoted goes, what was written stays."""

import pytest

from core.quotes import reply_text
from tests.core.test_forwards import LABELS

#: Who wrote when, as Gmail, Apple Mail and Thunderbird say it.
ATTRIBUTIONS = {
    "gmail-af": "Op Di., 2 Nov. 2021 om 09:31 het Ana Díaz <ana@gov.example> geskryf:",
    "gmail-ar": "في الثلاثاء، 2 نوفمبر 2021 في 9:31 ص تمت كتابة ما يلي بواسطة Ana Díaz <ana@gov.example>:",
    "gmail-bg": "На вт, 2.11.2021 г. в 9:31 Ana Díaz <ana@gov.example> написа:",
    "gmail-ca": "Missatge de Ana Díaz <ana@gov.example> del dia dt., 2 de nov. 2021 a les 9:31:",
    "gmail-cs": "út 2. 11. 2021 v 9:31 odesílatel Ana Díaz <ana@gov.example> napsal:",
    "gmail-da": "Den tir. 2. nov. 2021 kl. 09.31 skrev Ana Díaz <ana@gov.example>:",
    "gmail-de": "Am Di., 2. Nov. 2021 um 09:31 Uhr schrieb Ana Díaz <ana@gov.example>:",
    "gmail-el": "Στις Τρί 2 Νοε 2021 στις 9:31 π.μ., ο/η Ana Díaz <ana@gov.example> έγραψε:",
    "gmail-en": "On Tue, Nov 2, 2021 at 9:31 AM Ana Díaz <ana@gov.example> wrote:",
    "gmail-es": "El mar, 2 nov 2021 a las 9:31, Ana Díaz (<ana@gov.example>) escribió:",
    "gmail-et": "Kasutaja Ana Díaz (<ana@gov.example>) kirjutas kuupäeval T, 2. november 2021 kell 09:31:",
    "gmail-eu": "Hau idatzi du Ana Díaz (ana@gov.example) erabiltzaileak (2021 aza. 2, ar. (09:31)):",
    "gmail-fa": "\u062f\u0631 \u062a\u0627\u0631\u06cc\u062e \u0633\u0647\u200c\u0634\u0646\u0628\u0647 \u06f2 \u0646\u0648\u0627\u0645\u0628\u0631 \u06f2\u06f0\u06f2\u06f1\u060c \u06f9:\u06f3\u06f1 Ana D\xedaz <ana@gov.example> \u0646\u0648\u0634\u062a:",
    "gmail-fi": "ti 2. marrask. 2021 klo 9.31 Ana Díaz (ana@gov.example) kirjoitti:",
    "gmail-fr": "Le mar. 2 nov. 2021 à 09:31, Ana Díaz <ana@gov.example> a écrit :",
    "gmail-he": "\u202b\u05d1\u05ea\u05d0\u05e8\u05d9\u05da \u05d9\u05d5\u05dd \u05d2\u05f3, 2 \u05d1\u05e0\u05d5\u05d1\u05f3 2021 \u05d1-9:31 \u05de\u05d0\u05ea \u202aAna D\xedaz\u202c\u200f <\u202aana@gov.example\u202c\u200f>:\u202c",
    "gmail-hr": "uto, 2. stu 2021. u 09:31 Ana Díaz <ana@gov.example> napisao je:",
    "gmail-hu": "Ana Díaz <ana@gov.example> ezt írta (időpont: 2021. nov. 2., K, 9:31):",
    "gmail-id": "Pada tanggal Sel, 2 Nov 2021 pukul 09.31 Ana Díaz <ana@gov.example> menulis:",
    "gmail-it": "Il giorno mar 2 nov 2021 alle ore 09:31 Ana Díaz <ana@gov.example> ha scritto:",
    "gmail-ja": "2021年11月2日(火) 9:31 Ana Díaz <ana@gov.example>:",
    "gmail-ko": "2021년 11월 2일 (화) 오전 9:31, Ana Díaz <ana@gov.example>님이 작성:",
    "gmail-lt": "2021-11-02, an, 09:31 Ana Díaz <ana@gov.example> rašė:",
    "gmail-lv": "otrd., 2021. g. 2. nov., plkst. 09:31 — lietotājs Ana Díaz (<ana@gov.example>) rakstīja:",
    "gmail-ms": "Pada Sel, 2 Nov 2021 9:31 PG Ana Díaz <ana@gov.example> menulis:",
    "gmail-nb": "tir. 2. nov. 2021 kl. 09:31 skrev Ana Díaz <ana@gov.example>:",
    "gmail-nl": "Op di 2 nov. 2021 om 09:31 schreef Ana Díaz <ana@gov.example>:",
    "gmail-pl": "wt., 2 lis 2021 o 09:31 Ana Díaz <ana@gov.example> napisał(a):",
    "gmail-pt": "Em ter., 2 de nov. de 2021 às 09:31, Ana Díaz <ana@gov.example> escreveu:",
    "gmail-ptpt": "Ana Díaz <ana@gov.example> escreveu no dia terça, 2/11/2021 à(s) 09:31:",
    "gmail-ro": "Pe mar., 2 nov. 2021 la 09:31, Ana Díaz <ana@gov.example> a scris:",
    "gmail-ru": "вт, 2 нояб. 2021 г. в 09:31, Ana Díaz <ana@gov.example>:",
    "gmail-sk": "ut 2. 11. 2021 o 9:31 Ana Díaz <ana@gov.example> napísal(a):",
    "gmail-sl": "V V tor., 2. nov. 2021 ob 09:31 je oseba Ana Díaz <ana@gov.example> napisala:",
    "gmail-sr": "уто, 2. нов 2021. у 09:31 Ana Díaz <ana@gov.example> је написао/ла:",
    "gmail-sv": "Den tis 2 nov. 2021 kl 09:31 skrev Ana Díaz <ana@gov.example>:",
    "gmail-sw": "Mnamo Jum, 2 Nov 2021 saa 9:31 Asubuhi, Ana Díaz <ana@gov.example> aliandika:",
    "gmail-th": "เมื่อ อ. 2 พ.ย. 2021 เวลา 09:31 Ana Díaz <ana@gov.example> เขียนว่า:",
    "gmail-tr": "Ana Díaz <ana@gov.example>, 2 Kas 2021 Sal, 09:31 tarihinde şunu yazdı:",
    "gmail-uk": "вт, 2 лист. 2021 р. о 09:31 Ana Díaz <ana@gov.example> пише:",
    "gmail-vi": "Vào Th 3, 2 thg 11, 2021 vào lúc 09:31 Ana Díaz <ana@gov.example> đã viết:",
    "gmail-zh": "Ana Díaz <ana@gov.example> 于2021年11月2日周二 上午9:31写道：",
    "gmail-zhtw": "Ana Díaz <ana@gov.example> 於 2021年11月2日 週二 上午9:31寫道：",
    "gmail-hi": "मंगल, 2 नव॰ 2021 को 9:31 am बजे को Ana Díaz <ana@gov.example> ने लिखा:",
    "gmail-bn": "মঙ্গল, ২ নভেম্বর, ২০২১ তারিখে ৯:৩১ AM টায় তারিখে Ana Díaz <ana@gov.example> লিখেছেন:",
    "gmail-tl": "Noong Mar, Nob 2, 2021 nang 9:31 AM, sumulat si Ana Díaz <ana@gov.example>:",
    "gmail-ka": "სამ, 2 ნოე. 2021, 09:31 საათზე, მომხმარებელმა Ana Díaz <ana@gov.example> დაწერა:",
    "gmail-az": "Ana Díaz <ana@gov.example> 2 Noy 2021, Ç.a. 09:31 tarixində yazdı:",
    "gmail-kk": "сс, 2 қар. 2021 ж., сағат 09:31 Ana Díaz <ana@gov.example> жазды:",
    "gmail-be": "аў, 2 ліс 2021 у 09:31 Ana Díaz <ana@gov.example> піша:",
    "gmail-mk": "На вто, 2 ное 2021 во 09:31 Ana Díaz <ana@gov.example> напиша:",
    "gmail-am": "እ.ኤ.አ ማክሰ 2 ኖቬም 2021 በ9:31 ጥዋት Ana Díaz <ana@gov.example> ጽፏል፦",
    "gmail-hy": "2 նոյ, 2021 թ., 09:31-ին, Ana Díaz <ana@gov.example> գրել է:",
    "gmail-is": "þri., 2. nóv. 2021 kl. 09:31 skrifaði Ana Díaz <ana@gov.example>:",
    "gmail-gl": "O mar., 2 nov. 2021 ás 9:31, Ana Díaz (<ana@gov.example>) escribiu:",
    "apple-mail-de": "Am 02.11.2021 um 09:31 schrieb Ana Díaz <ana@gov.example>:",
    "apple-mail-es": "El 2 nov 2021, a las 9:31, Ana Díaz <ana@gov.example> escribió:",
    "apple-mail-ru": "2 нояб. 2021 г., в 09:31, Ana Díaz <ana@gov.example> написал(а):",
    "apple-mail-it": "Il giorno 2 nov 2021, alle ore 09:31, Ana Díaz <ana@gov.example> ha scritto:",
    "apple-mail-ja": "2021/11/02 9:31、Ana Díaz <ana@gov.example>のメール:",
    "apple-mail-zh": "在 2021年11月2日，09:31，Ana Díaz <ana@gov.example> 写道：",
    "apple-mail-ko": "2021. 11. 2. 오전 9:31, Ana Díaz <ana@gov.example> 작성:",
    "apple-mail-pl": "Wiadomość napisana przez Ana Díaz <ana@gov.example> w dniu 02.11.2021, o godz. 09:31:",
    "apple-mail-pt": "No dia 02/11/2021, às 09:31, Ana Díaz <ana@gov.example> escreveu:",
    "apple-mail-fi": "Ana Díaz <ana@gov.example> kirjoitti 2.11.2021 kello 9.31:",
    "apple-mail-uk": "2 лист. 2021 р. о 09:31 Ana Díaz <ana@gov.example> пише:",
    "apple-mail-tr": "Ana Díaz <ana@gov.example> şunları yazdı (2 Kas 2021 09:31):",
    "apple-mail-sv": "2 nov. 2021 kl. 09:31 skrev Ana Díaz <ana@gov.example>:",
    "apple-mail-no": "2. nov. 2021 kl. 09:31 skrev Ana Díaz <ana@gov.example>:",
    "apple-mail-nl": "Op 2 nov. 2021 om 09:31 heeft Ana Díaz <ana@gov.example> het volgende geschreven:",
    "apple-mail-hu": "2021. nov. 2. dátummal, 9:31 időpontban Ana Díaz <ana@gov.example> írta:",
    "apple-mail-ar": "في ٢ نوفمبر ٢٠٢١، الساعة ٩:٣١ ص، كتب Ana Díaz <ana@gov.example>:",
    "thunderbird-fr": "Le 02/11/2021 à 09:31, Ana Díaz a écrit :",
    "thunderbird-de": "Am 02.11.21 um 09:31 schrieb Ana Díaz:",
    "thunderbird-es": "El 02/11/2021 a las 9:31, Ana Díaz escribió:",
    "thunderbird-pt": "Em 02/11/2021 09:31, Ana Díaz escreveu:",
    "thunderbird-ru": "02.11.2021 09:31, Ana Díaz пишет:",
    "thunderbird-it": "Il 02/11/2021 09:31, Ana Díaz ha scritto:",
    "thunderbird-pl": "W dniu 02.11.2021 o 09:31, Ana Díaz pisze:",
    "thunderbird-cs": "Dne 02. 11. 21 v 9:31 Ana Díaz napsal(a):",
    "thunderbird-uk": "02.11.2021 09:31, Ana Díaz пише:",
    "thunderbird-ja": "On 2021/11/02 9:31, Ana Díaz wrote:",
    "thunderbird-nl": "Op 02-11-2021 om 09:31 schreef Ana Díaz:",
    "thunderbird-da": "Den 02.11.2021 kl. 09.31 skrev Ana Díaz:",
    "thunderbird-fi": "Ana Díaz kirjoitti 2.11.2021 klo 9.31:",
    "thunderbird-hu": "2021. 11. 02. 9:31 keltezéssel, Ana Díaz írta:",
    "thunderbird-tr": "2.11.2021 09:31 tarihinde Ana Díaz yazdı:",
}


@pytest.mark.parametrize("program", ATTRIBUTIONS)
@pytest.mark.parametrize("quotation", ["> Which files?\n>\n> Bruno", "Which files?\n\nBruno"], ids=["marked", "bare"])
def test_the_quotation_below_an_attribution_goes(program, quotation):
    assert reply_text(f"The two of March.\n\n{ATTRIBUTIONS[program]}\n\n{quotation}") == "The two of March."


@pytest.mark.parametrize("program", ATTRIBUTIONS)
def test_an_attribution_wrapped_near_its_end_is_known(program):
    first, *rest = ATTRIBUTIONS[program].rsplit(" ", 2)
    text = f"The two of March.\n\n{first}\n{' '.join(rest)}\n\n> Which files?\n"
    assert reply_text(text) == "The two of March."


@pytest.mark.parametrize("rule", ["", "_" * 32 + "\n"], ids=["bare", "below-a-rule"])
@pytest.mark.parametrize("language", LABELS)
def test_the_mail_below_the_header_that_outlook_shows_goes(language, rule):
    sender, date, subject, to = LABELS[language]
    block = f"{sender}: Bruno\n{date}: 2021-10-27 15:14\n{to}: Ana\n{subject}: Tender files"
    assert reply_text(f"The two of March.\n\n{rule}{block}\n\nWhich files?") == "The two of March."


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Yes.\n\nOn Nov 30, 2011, at 12:47 PM, Ana <\n416ffd3258d4@long.gov.example>\nwrote:\n\nTell me", "Yes."),
        ("Yes. On Wed, Apr 4, 2012 at 3:59 PM, ana@gov.example wrote:\n> Hi", "Yes."),
        ("One - two--- On Wed, Apr 4, 2012 at 3:59 PM, ana@gov.example wrote:\n> Hi", "One - two"),
        ("Yes.\n2011/4/7 Ana Díaz <ana@gov.example>\n\n>  Which files?", "Yes."),
        ("Yes.\n\n------On 12/29/2017 17:32 PM, Ana Díaz wrote-----\n\nWhich files?", "Yes."),
        (
            "Yes.\nDate: Fri, 28 Sep 2012 10:55:48 +0000\nFrom: a@b.example\nTo: c@d.example\nSubject: [x] Test\n",
            "Yes.",
        ),
        ("Yes.\n\nOn 4 May 2021, Ana <a@b.example> wrote:\n> Which?\n\nThe red one.", "Yes.\n\nThe red one."),
        ('Yes.\n\n>>> "Ana" <ana@gov.example> 3/3/2020 10:00 AM >>>\nWhich files?', "Yes."),
        ("Yes.\n\n##- Please type your reply above this line -##\n\nYour request (35) was updated.", "Yes."),
        ("Sí.\n\nResponda por encima de esta línea\n\nSu solicitud", "Sí."),
        (
            "Yes.\n\n          *From:* Ana [mailto:a@b.example]\n          *Sent:* 1 May 2012\n          *To:* z\n\nx",
            "Yes.",
        ),
        (
            "Ja.\n\nGesendet: Dienstag, 03. März 2020\nVon: Ana <a@b.example>\nAn: b@b.example\nBetreff: Frage\nHallo",
            "Ja.",
        ),
        ("好的\n\n------------------ 原始邮件 ------------------\n发件人: a <a@b.example>;\n", "好的"),
        ("Да.\n\n>Вторник, 3 марта 2020, 10:00 +03:00 от Ana <a@b.example>:\n>\n>Привет\n", "Да."),
        (
            "Hi folks\n\n-Ana Díaz\n\n_______________________________\ndata mailing list\nhttps://x/listinfo/data",
            "Hi folks",
        ),
    ],
)
def test_unusual_quotations_go(text, new):
    assert reply_text(text) == new


@pytest.mark.parametrize(
    "text",
    [
        "We met on 2 May 2021 at 10:30 with the ministry and they wrote:\n\nNo data before June.",
        "Visit the page:\n>>> >>> https://data.example <<<\nand click below",
        "Please write to Ana <ana@gov.example>.\nShe knows all the files:\n\n- one\n- two",
        "Thanks.\nOn Monday we had 3 errors:\n\nfirst, second and third",
        "From: the start of the year we publish\nTo: the end of it",
        "Hello,\n\nWe met on 2 May 2021 at 10:30 and they wrote:\n\nNo data before June.",
        "Hello,\n\nOn 2 May 2021 at 10:30 the ministry wrote:\n\nNo data before June.",
        "Hola:\n\nEl 2 de mayo de 2021 a las 10:30 el ministerio escribió:\n\nNo hay datos.",
        "We need:\n\n- Licences\n\n- Contracts",
        "Is this the mailing list?\n_____________________\nanswer here",
        "The form says: reply above this line, but where is this line on the page that we see, and what is it for? We ask.",
        "> Which?\nThe red one.\n> When?\nToday.",
    ],
)
def test_what_a_person_wrote_is_never_cut(text):
    assert reply_text(text) == text
