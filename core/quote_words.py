"""The words by which mail programs and people begin quotations and signatures, in the languages that reach a desk.

Only data. Phrases that a quotation of "mail-parser-reply" knows are taken from it, so that its releases widen ours.
"""

import re

from mailparser_reply.constants import MAIL_LANGUAGES


def _plain(patterns: object) -> set[str]:
    """The phrases of a pattern list that are plain words; those with operators of regular expressions are left out."""
    listed = patterns.split("|") if isinstance(patterns, str) else patterns if isinstance(patterns, list) else []
    phrases = {str(each).lower().strip(" ,.!") for each in listed}
    return {phrase for phrase in phrases if len(phrase) > 2 and not re.search(r"[\\\[\](){}*+?^$|/:]", phrase)}


def _of_library(key: str) -> set[str]:
    return {phrase for words in MAIL_LANGUAGES.values() for phrase in _plain(words.get(key, ""))}


#: Between dashes, or alone, above the header of the mail that is answered.
ORIGINAL = frozenset(
    {
        "original message", "original appointment", "original email", "reply message", "in reply to",
        "mensaje original", "mensaje citado", "message d'origine", "message d’origine", "message original",
        "mensagem original", "ursprüngliche nachricht", "urspr. nachricht", "original-nachricht",
        "originalnachricht", "messaggio originale", "oorspronkelijk bericht", "исходное сообщение",
        "оригинальное сообщение", "исходное письмо", "початкове повідомлення", "оригінальне повідомлення",
        "wiadomość oryginalna", "oryginalna wiadomość", "oprindelig meddelelse", "opprinnelig melding",
        "ursprungligt meddelande", "alkuperäinen viesti", "původní zpráva", "pôvodná správa", "eredeti üzenet",
        "mesaj original", "mesajul original", "orijinal mesaj", "özgün ileti", "pesan asli", "thư gốc",
        "原始邮件", "原邮件", "原始郵件", "元のメッセージ", "원본 메시지", "الرسالة الأصلية", "αρχικό μήνυμα",
        "izvorna poruka", "originalna poruka", "antwort nachricht", "antwortnachricht", "svar meddelelse",
        "originalmeddelande", "изворна порука", "originalus laiškas", "algne kiri", "sākotnējais ziņojums",
        "izvirno sporočilo", "הודעה מקורית", "پیام اصلی", "ข้อความเดิม", "mesej asal", "ujumbe asili",
        "رسالة أصلية", "message précédent", "原始信件", "元メール", "оригинално съобщение",
    }
)  # fmt: skip
#: Parts of the line that says who wrote when; a form of "to write" in each language.
ATTRIBUTION_VERBS = (
    " wrote", " writes", " sent:", " escribió", " escribio", " ha escrito", " a écrit", " a ecrit", " écrivait",
    " escreveu", " escrito:", " schrieb", " geschrieben", " geschreven", " ha scritto", " schreef", " пишет",
    " писал", " написал", " пише:", " писав", " написав", " napisał", " napisana przez", " pisze:", " skrev",
    " yazdı", "写道", "寫道", " kirjoitti", " napsal", " napísal", " a scris", " menulis", " đã viết", "님이 작성",
    " 작성:", " írta", " έγραψε", " напісаў", " піша:", " написа", " напиша", " je napisao", " je napisala",
    " napisao je", " napisala je", " napisal", " је написао", "كتب", "تمت كتابة ما يلي", " نوشت", "כתב", "のメール",
    "さんは書きました", " geskryf", " kirjutas", " idatzi du", " rašė", " rakstīja", " aliandika", " sumulat si",
    "เขียนว่า", "लिखा:", "লিখেছেন:", " დაწერა", " жазды", " jazdi", "ጽፏል", " գրել է", " escribiu", " skrifaði",
    "missatge de ", " va escriure", " shkroi", " yozdi", " бичсэн", " ditulis", " napísala",
)  # fmt: skip

_LEADS = """
    a a(z) am am, dana den dne dnia el em il le ngày no o on op pada pe po på ve vào w v wiadomość în στις в на от
    у dia ne mnamo noong เมื่อ missatge kasutaja në po
"""
#: How the first line of an attribution begins when it is wrapped; a date may begin it, too.
ATTRIBUTION_LEADS = frozenset(_LEADS.split())

#: What ticket systems put on top of their mails; whatever stands above was written by the sender.
REPLY_ABOVE = (
    "reply above this line", "reply above the line", "type your reply above", "write your reply above",
    "respond above this line", "reply on top of this line", "responda por encima de esta línea",
    "escriba su respuesta por encima", "escriba su respuesta encima", "répondre au-dessus de cette ligne",
    "répondez au-dessus de cette ligne", "responda acima desta linha", "digite sua resposta acima",
    "antworten sie oberhalb dieser", "antwort oberhalb dieser", "ответ выше этой строки", "пишите выше этой линии",
    "відповідь вище цього рядка", "rispondi sopra questa riga", "antwoord boven deze regel",
)  # fmt: skip
#: In the lines that a mailing list appends.
LIST_WORDS = (
    "mailing list",
    "listinfo",
    "unsubscribe",
    "lists.",
    "groups.google",
    "lista de correo",
    "lista de distribución",
)

_DATE_WORDS = """
    dniu at um uhr a las à alle ore kl klo kello godz h om het volgende heeft o g r v ob je oseba ve tarihinde saat
    şunları
    yazdı następujące следующее г р година года heure heures de del do dia da das às la le los mon tue wed thu fri sat
    sun pm am p m napisal keltezéssel időpontban dátummal пользователь користувач użytkownik uživatel skrev følgende
    följande pukul tanggal saa ชม and
"""
#: What may stand beside the figures of a date, in small letters.
DATE_WORDS = frozenset(_DATE_WORDS.split()) - {"and"}

#: A short text above an unmarked quotation that says: the answers are in the quotation.
INLINE_HINTS = (
    "inline", "in-line", "in line", "below", "in red", "in blue", "in bold", "en rojo", "en azul", "abajo",
    "más abajo", "debajo", "entre líneas", "a continuación", "ci-dessous", "en rouge", "dans le texte",
    "abaixo", "em vermelho", "a seguir", "unten", "im text", "in rot", "ниже", "в тексте", "красным", "нижче",
    "qui sotto", "di seguito", "in rosso", "hieronder", "poniżej", "أدناه",
)  # fmt: skip

SENT_FROM = tuple(
    sorted(
        _of_library("sent_from")
        | {
            "sent from my", "sent from outlook", "sent from mail for", "sent from yahoo", "sent from proton",
            "sent via", "sent with", "get outlook for", "enviado desde mi", "enviado desde", "enviado do meu",
            "enviado pelo", "obtener outlook para", "obtenga outlook para", "obter outlook para",
            "obter o outlook para", "envoyé de mon", "envoyé depuis", "envoyé à partir de",
            "obtenir outlook pour", "télécharger outlook pour", "gesendet von", "von meinem",
            "holen sie sich outlook", "outlook für", "inviato da", "scarica outlook", "verzonden vanaf",
            "verstuurd vanaf", "outlook voor", "отправлено с", "отправлено из", "скачать outlook",
            "получить outlook", "надіслано з", "надіслано від", "отримати outlook", "wysłano z", "wysłane z",
            "pobierz aplikację outlook", "sendt fra", "skickat från", "lähetetty", "hämta outlook", "أرسلت من",
            "تم الإرسال من", "从我的", "发自我的", "iphoneから送信", "나의 iphone에서", "trimis de pe",
        }
    )
)  # fmt: skip

CLOSINGS = frozenset(
    _of_library("signatures")
    - {"tak", "kh", "/\\w+", "salutations"}
    | {
        "best", "best regards", "kind regards", "warm regards", "regards", "many thanks", "thanks", "thank you",
        "thanks in advance", "thank you in advance", "thanks and regards", "thanks & regards", "with thanks",
        "with best regards", "with kind regards", "best wishes", "all the best", "cheers", "sincerely",
        "yours", "yours sincerely", "yours faithfully", "yours truly", "respectfully", "warmly", "cordially", "br",
        "rgds", "saludos", "un saludo", "saludos cordiales", "cordiales saludos", "cordial saludo",
        "un cordial saludo", "atentamente", "atte", "cordialmente", "gracias", "muchas gracias",
        "gracias de antemano", "gracias y saludos", "un abrazo", "saludos cordiales y gracias", "quedo atento",
        "quedo atenta", "cordialement", "bien cordialement", "bien à vous", "merci", "merci d'avance",
        "merci d’avance", "salutations", "meilleures salutations", "sincères salutations",
        "salutations distinguées", "respectueusement", "bonne journée", "très cordialement", "amicalement",
        "cdt", "merci beaucoup", "atenciosamente", "att", "abraços", "abraço", "obrigado", "obrigada",
        "muito obrigado", "muito obrigada", "cumprimentos", "com os melhores cumprimentos",
        "melhores cumprimentos", "saudações", "grato", "grata", "mit freundlichen grüßen",
        "mit freundlichem gruß", "freundliche grüße", "viele grüße", "beste grüße", "liebe grüße",
        "herzliche grüße", "schöne grüße", "gruß", "grüße", "mfg", "vielen dank", "danke", "besten dank",
        "с уважением", "с наилучшими пожеланиями", "спасибо", "заранее спасибо", "з повагою",
        "з найкращими побажаннями", "дякую", "щиро дякую", "cordiali saluti", "distinti saluti", "grazie",
        "un saluto", "met vriendelijke groet", "met vriendelijke groeten", "groeten", "mvg", "pozdrawiam",
        "z poważaniem", "dziękuję", "مع التحية", "مع أطيب التحيات", "تحياتي", "شكرا", "شكرا لكم",
        "مع خالص التحية", "с поважением", "hormat saya", "salam",
    }
)  # fmt: skip
DISCLAIMER_WORDS = (
    "confidential", "confidencial", "confidentiel", "privileged", "vertraulich", "riservat", "disclaimer",
    "intended recipient", "intended solely", "unauthorized", "unauthorised", "destinatario", "destinataire",
    "destinatário", "aviso legal", "конфиденциальн", "конфіденційн", "سري",
)  # fmt: skip
MAIL_WORDS = ("mail", "message", "mensaje", "correo", "mensagem", "courriel", "nachricht", "сообщени", "повідомлен")

_PARTICLES = """
    al and ben bin da das de del den der des di do dos du e el et for i ibn la las le los of og the und van von y
    zu
"""
#: Words inside a name or a job title that are written small.
NAME_PARTICLES = frozenset(_PARTICLES.split())
