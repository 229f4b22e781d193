"""What is passed on is found as the programs and languages of the world show it, and answers are never taken for it."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from core.forwards import forwarded, is_forward_subject
from core.mime import parse
from core.shown_dates import shown_date

BODY = "The tender files are late.\nTwo of them are empty.\n\nWhat can we do?"
FROM = "Ana Díaz <ana@gov.example>"
INDENTED = "\n".join(f"    {line}" if line else line for line in BODY.split("\n"))


def quoted(text):
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def mail(text, subject="Fwd: Tender files"):
    head = f"From: Staff <s@desk.example>\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n"
    return parse((head + text).encode())


#: From, Date, Subject, To as programs name them.
LABELS = {
    "en": ("From", "Date", "Subject", "To"),
    "es": ("De", "Enviado el", "Asunto", "Para"),
    "fr": ("De", "Envoyé", "Objet", "À"),
    "pt": ("De", "Enviada em", "Assunto", "Para"),
    "de": ("Von", "Gesendet", "Betreff", "An"),
    "it": ("Da", "Inviato", "Oggetto", "A"),
    "nl": ("Van", "Verzonden", "Onderwerp", "Aan"),
    "ru": ("От", "Отправлено", "Тема", "Кому"),
    "uk": ("Від", "Надіслано", "Тема", "Кому"),
    "pl": ("Od", "Wysłano", "Temat", "Do"),
    "cs": ("Od", "Odesláno", "Předmět", "Komu"),
    "sk": ("Od", "Odoslané", "Predmet", "Komu"),
    "hu": ("Feladó", "Elküldve", "Tárgy", "Címzett"),
    "ro": ("De la", "Trimis", "Subiect", "Către"),
    "tr": ("Kimden", "Gönderildi", "Konu", "Kime"),
    "sv": ("Från", "Skickat", "Ämne", "Till"),
    "da": ("Fra", "Sendt", "Emne", "Til"),
    "fi": ("Lähettäjä", "Lähetetty", "Aihe", "Vastaanottaja"),
    "hr": ("Šalje", "Datum", "Naslov", "Prima"),
    "el": ("Από", "Στάλθηκε", "Θέμα", "Προς"),
    "bg": ("От", "Изпратено", "Относно", "До"),
    "id": ("Dari", "Terkirim", "Subjek", "Kepada"),
    "vi": ("Từ", "Đã gửi", "Chủ đề", "Tới"),
    "zh": ("发件人", "发送时间", "主题", "收件人"),
    "zh-tw": ("寄件者", "寄件日期", "主旨", "收件者"),
    "ja": ("差出人", "送信日時", "件名", "宛先"),
    "ko": ("보낸 사람", "보낸 날짜", "제목", "받는 사람"),
    "ar": ("من", "تاريخ الإرسال", "الموضوع", "إلى"),
    "he": ("מאת", "נשלח", "נושא", "אל"),
    "et": ("Saatja", "Saadetud", "Teema", "Saaja"),
}


@pytest.mark.parametrize("language", LABELS)
def test_the_header_that_outlook_shows_is_read_in_thirty_languages(language):
    sender, date, subject, to = LABELS[language]
    block = f"{sender}: {FROM}\n{date}: 2021-10-27 15:14\n{to}: Desk <desk@us.example>\n{subject}: Tender files"
    found = forwarded(mail(f"For you.\n\n{'_' * 32}\n{block}\n\n{BODY}"))
    assert (found.name, found.email, found.subject) == ("Ana Díaz", "ana@gov.example", "Tender files")
    assert found.date == datetime(2021, 10, 27, 15, 14, tzinfo=UTC)
    assert (found.text, found.note) == (BODY, "For you.")


CLIENTS = {
    "gmail": f"---------- Forwarded message ---------\nDe: {FROM}\nDate: mar, 2 nov 2021 a las 9:31\n"
    f"Subject: Tender files\nTo: <desk@us.example>\n\n{BODY}",
    "apple-mail": quoted(
        f"Début du message réexpédié :\n\nDe: {FROM}\nObjet: Tender files\nDate: 2 novembre 2021 à 9:31:00 UTC\n"
        f"À: desk@us.example\n\n{BODY}"
    ),
    "apple-mail-wrapped": quoted(
        f"Begin forwarded message:\n\nFrom: Ana Díaz\n<ana@gov.example>\nSubject: Tender files\n"
        f"Date: 2 November 2021 at 9:31:00 GMT\nTo: a@us.example,\nb@us.example\n\n{BODY}"
    ),
    "outlook-web": f"{'_' * 32}\nFrom: {FROM}\nSent: Tuesday, November 2, 2021 9:31 AM\n"
    f"To: desk@us.example <desk@us.example>\nCc: B <b@us.example>; C <c@us.example>\nSubject: Tender files\n\n{BODY}",
    "outlook-mac": f"De : {FROM}\nDate : mardi, 2 novembre 2021 à 9:31\nÀ : Desk <desk@us.example>\n"
    f"Objet : Tender files\n{BODY}",
    "outlook-mac-2019": f"Le 02/11/2021 09:31, « Ana Díaz » <ana@gov.example> a écrit :\n\n{INDENTED}",
    "outlook-mac-2019-hungarian": f"02/11/2021 09:31 időpontban Ana Díaz (ana@gov.example) ezt írta:\n\n{INDENTED}",
    "outlook-mac-2019-turkish": f'"Ana Díaz" <ana@gov.example>, 02/11/2021 09:31 tarihinde şunu yazdı:\n\n{INDENTED}',
    "outlook-mac-2019-dutch": f"Op 02/11/2021 09:31 heeft Ana Díaz <ana@gov.example> geschreven:\n\n{INDENTED}",
    "outlook-old": "From: Ana Díaz [mailto:ana@gov.example]\nSent: Tuesday, November 2, 2021 9:31 AM\nTo: 'Desk'\n"
    f"Subject: Tender files\n\n{BODY}",
    "outlook-in-bold": f"*From:* {FROM}\n*Sent:* Tuesday, November 2, 2021 9:31 AM\n*To:* Desk\n"
    f"*Subject:* Tender files\n\n{BODY}",
    "yahoo-on-one-line": f'   ----- Message transmis ----- De : {FROM}À : "Desk" <desk@us.example>'
    f"Envoyé : mardi 2 novembre 2021, 09:31:00 UTC+0Objet : Tender files\n{BODY}",
    "yahoo-polish": f"   ----- Przekazana wiadomość ----- Od: {FROM}Do: <desk@us.example>Dw W <w@us.example>"
    f"Wysłano: wtorek, 2 listopada 2021, 09:31:00 GMTTemat: Tender files\n{BODY}",
    "thunderbird": "-------- Välitetty viesti / Fwd.Msg --------\nAihe: \tTender files\n"
    f"Päiväys: \tTue, 2 Nov 2021 10:31:00 +0100\nLähettäjä: \t{FROM}\nVastaanottaja: \tdesk@us.example\n\n\n\n{BODY}",
    "missive": f"---------- Forwarded message ----------\nFrom: {FROM}\nDate: November 2, 2021 at 9:31 AM\n"
    f"To: desk@us.example\nSubject: Tender files\n\n{quoted(BODY)}",
    "mailmate": "Forwarded message:\n\n"
    + quoted(
        f"From: {FROM}\nTo: desk@us.example\nSubject: Tender files\nDate: Tue, 2 Nov 2021 09:31:00 +0000\n\n{BODY}"
    ),
    "ionos": quoted(
        f"---------- Original Message ----------\nFrom: {FROM}\nTo: desk@us.example\nDate: 11/02/2021 9:31 AM\n"
        f"Subject: Tender files\n\n{BODY}"
    ),
    "hubspot": f"---------- メッセージを転送 ---------\n送信元：{FROM}\n日付：2021年11月2日火曜日 09:31:00 +0000\n"
    f"件名：Tender files\n送信先：desk@us.example\n\n{BODY}",
    "mutt": f"----- Forwarded message from {FROM} -----\n\nDate: Tue, 2 Nov 2021 09:31:00 +0000\nFrom: {FROM}\n"
    f"To: desk@us.example\nSubject: Tender files\n\n{BODY}\n\n----- End forwarded message -----",
    "yandex": '-------- Пересылаемое сообщение --------\n02.11.2021, 09:31, "Ana Díaz" <ana@gov.example>:\n\n'
    f"{BODY}\n-------- Конец пересылаемого сообщения --------",
    "mail-ru": f"-------- Пересылаемое сообщение --------\nОт кого: {FROM}\nКому: desk@us.example\n"
    f"Дата: вторник, 2 ноября 2021, 12:31 +03:00\nТема: Tender files\n\n{BODY}",
    "proton": f"------- Forwarded Message -------\nFrom: {FROM}\nDate: On Tuesday, November 2, 2021 at 9:31 AM\n"
    f"Subject: Tender files\nTo: Desk <desk@us.example>\n\n{BODY}",
    "zoho": f"============ Forwarded message ============\nFrom: {FROM}\nTo: <desk@us.example>\n"
    "Date: Tue, 02 Nov 2021 15:01:00 +0530\nSubject: Tender files\n"
    f"============ Forwarded message ============\n\n{BODY}",
    "qq": '------------------ 原始邮件 ------------------\n发件人: "Ana Díaz" <ana@gov.example>;\n'
    f'发送时间: 2021年11月2日(星期二) 上午9:31\n收件人: "desk"<desk@us.example>;\n主题: Tender files\n\n{BODY}',
}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_original_is_found_as_each_program_passes_it_on(client):
    found = forwarded(mail(CLIENTS[client]))
    assert (found.name, found.email, found.subject) == ("Ana Díaz", "ana@gov.example", "Tender files")
    assert found.date == datetime(2021, 11, 2, 9, 31, tzinfo=UTC)
    assert (found.text, found.note) == (BODY, "")


def test_what_stands_above_is_kept_as_a_note():
    found = forwarded(mail(f"Bruno, this one is yours.\n\n{CLIENTS['gmail']}", subject="Tender files"))
    assert (found.note, found.text) == ("Bruno, this one is yours.", BODY)


def test_a_name_without_an_address_is_told_without_one():
    text = f"From: Díaz, Ana\nSent: 2 November 2021 09:31\nTo: Desk\nSubject: Tender files\n\n{BODY}"
    found = forwarded(mail(text, subject="FW: Tender files"))
    assert (found.name, found.email) == ("Díaz, Ana", "")


@pytest.mark.parametrize(
    "text",
    [
        f"Thanks.\n\n{'_' * 32}\nFrom: {FROM}\nSent: Tuesday, 2 November 2021\nTo: Desk\nSubject: Tender files\n\n{BODY}",
        f"Yes.\n\nOn 02/11/2021 09:31, Ana Díaz <ana@gov.example> wrote:\n{quoted(BODY)}",
        "I sent the forwarded message: nobody answers.",
        "From: the beginning we\nhad this problem.",
        BODY,
    ],
)
def test_an_answer_passes_nothing_on(text):
    assert forwarded(mail(text, subject="Re: Tender files")) is None


def attached(subject="Fwd: Tender files", text="See the mail.\n", inner_subject="Tender files"):
    inner = EmailMessage()
    inner["From"], inner["Subject"], inner["Date"] = FROM, inner_subject, "Tue, 2 Nov 2021 10:31:00 +0100"
    inner.set_content(BODY)
    outer = EmailMessage()
    outer["From"], outer["Subject"] = "Staff <s@desk.example>", subject
    outer.set_content(text)
    outer.add_attachment(inner)
    return parse(outer.as_bytes())


def test_a_mail_passed_on_as_an_attachment_is_read_whole():
    found = forwarded(attached())
    assert (found.name, found.email, found.subject) == ("Ana Díaz", "ana@gov.example", "Tender files")
    assert (found.text.strip(), found.note, found.mail.from_.email) == (BODY, "See the mail.", "ana@gov.example")
    assert found.date == datetime(2021, 11, 2, 9, 31, tzinfo=UTC)


@pytest.mark.parametrize("end", ["", "\n", "\n\nFrom:", "\n\n\n"])
def test_a_mark_with_nothing_below_it_passes_nothing_on(end):
    assert forwarded(mail(f"See:\n\n---------- Forwarded message ---------{end}")) is None


def test_a_mail_attached_to_a_long_letter_is_evidence_and_not_passed_on():
    assert forwarded(attached(subject="A complaint", text="We wrote to you before and heard nothing. " * 30)) is None


@pytest.mark.parametrize(
    "subject", ["Fwd: x", "FW: x", "RV: x", "WG: x", "TR: x", "ENC: x", "Re: Fwd: x", "转发: x", "Пер: x"]
)
def test_marks_of_forwarding_in_subjects_are_known(subject):
    assert is_forward_subject(subject)


def test_other_subjects_have_no_such_mark():
    assert not any(map(is_forward_subject, ["Re: x", "Forward planning", "I: x", "x Fwd: y"]))


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("mardi 2 novembre 2021, 09:26 UTC+1", (2021, 11, 2, 8, 26)),
        ("K, 27. oktoober 2021 kell 09:31", (2021, 10, 27, 9, 31)),
        ("niedziela, 31 października 2021 12:46", (2021, 10, 31, 12, 46)),
        ("воскресенье, 2 мая 2021 г. в 13:00", (2021, 5, 2, 13, 0)),
        ("2021年10月27日(水) 15:14", (2021, 10, 27, 15, 14)),
        ("2021. 10. 27. 오후 3:14", (2021, 10, 27, 15, 14)),
        ("13. huhtikuuta 2020 klo 12.34", (2020, 4, 13, 12, 34)),
        ("12/31/2021 11:00 PM", (2021, 12, 31, 23, 0)),
    ],
)
def test_shown_dates_are_read_in_many_languages(shown, moment):
    assert shown_date(shown) == datetime(*moment, tzinfo=UTC)


@pytest.mark.parametrize("shown", ["", "soon", "99/99/2021", "31 February 2021", "12:30"])
def test_what_is_no_date_is_none(shown):
    assert shown_date(shown) is None
