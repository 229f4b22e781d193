"""The words by which mail programs mark a mail that is passed on, in the languages that reach a desk. Only data."""

#: Above a mail that is passed on: what follows is what the sender wants to show.
FORWARDED = frozenset(
    {
        "forwarded message", "forwarded mail", "forwarded email", "begin forwarded message", "forwarded by",
        "start of forwarded message", "forwarded message from", "forwarded message follows", "fwd.msg",
        "mensaje reenviado", "inicio del mensaje reenviado", "mensaje reenviado por", "correo reenviado",
        "message transféré", "message réexpédié", "message transmis", "début du message réexpédié",
        "début du message transféré", "courriel transféré", "mensagem encaminhada", "mensagem reencaminhada",
        "início da mensagem reencaminhada", "início da mensagem encaminhada", "mensagem reenviada",
        "weitergeleitete nachricht", "weitergeleitete mail", "anfang der weitergeleiteten nachricht",
        "anfang der weitergeleiteten e-mail", "weitergeleitet von", "messaggio inoltrato",
        "inizio messaggio inoltrato", "inoltrato da", "doorgestuurd bericht", "begin doorgestuurd bericht",
        "пересылаемое сообщение", "перенаправленное сообщение", "пересланное сообщение", "пересланное письмо",
        "начало переадресованного сообщения", "пересылаемое письмо", "переслане повідомлення",
        "перенаправлене повідомлення", "початок листа, що пересилається", "переслане лист", "пересланий лист",
        "пересилається повідомлення", "wiadomość przekazana dalej", "przekazana wiadomość",
        "treść przekazanej wiadomości", "początek przekazywanej wiadomości", "przekazywana wiadomość",
        "wiadomość przesłana dalej", "videresendt meddelelse", "videresendt melding", "videresendt besked",
        "start på videresendt besked", "start på videresendt melding", "vidarebefordrat meddelande",
        "vidarebefordrat mejl", "vidarebefordrat brev", "välitetty viesti", "välitetty viesti alkaa",
        "edelleenlähetetty viesti", "lähetetty edelleen", "přeposlaná zpráva", "začátek přeposílané zprávy",
        "přeposlaný e-mail", "preposlaná správa", "začiatok preposlanej správy", "preposlaný e-mail",
        "továbbított üzenet", "továbbított levél", "továbbított levél kezdete", "mesaj redirecționat",
        "începe mesajul redirecționat", "mesaj redirectionat", "mesaj transmis", "mesajul redirecționat",
        "iletilmiş mesaj", "iletilen ileti", "ileti başlangıcı", "iletilen mesaj", "yönlendirilmiş ileti",
        "proslijeđena poruka", "započni proslijeđenu poruku", "prosleđena poruka", "прослеђена порука",
        "posredovano sporočilo", "препратено съобщение", "препратена порака", "edastatud kiri",
        "edasisaadetud kiri", "pārsūtīts ziņojums", "pārsūtītais ziņojums", "persiųstas laiškas",
        "persiųsta žinutė", "προωθημένο μήνυμα", "έναρξη προωθημένου μηνύματος", "pesan terusan",
        "pesan diteruskan", "mesej dimajukan", "thư đã chuyển tiếp", "thư chuyển tiếp", "tin nhắn đã chuyển tiếp",
        "ข้อความที่ส่งต่อ", "转发的邮件", "转发邮件", "转发邮件信息", "转发的信息", "轉寄郵件", "轉寄的郵件", "轉寄信件",
        "转发信息", "以下为转发邮件", "转发的邮件信息", "以下是转发的邮件", "転送メッセージ", "転送されたメッセージ",
        "メッセージを転送", "転送メール", "以下転送", "전달된 메시지", "전달된 메일", "전달한 메시지",
        "رسالة معاد توجيهها",
        "رسالة محولة", "الرسالة المعاد توجيهها", "بداية الرسالة المُعاد توجيهها", "رسالة مُعاد توجيهها", "پیام هدایت‌شده",
        "הודעה שהועברה", "הודעה מועברת", "missatge reenviat", "birtarako mezua", "ujumbe uliosambazwa",
        "бағытталған хабар", "yönləndirilmiş mesaj", "გადმოგზავნილი წერილი",
        "перасланае паведамленне", "áframsent skeyti", "अग्रेषित संदेश", "অগ্রেষিত বার্তা", "ipinasang mensahe",
    }
)  # fmt: skip
#: Before the colon of a subject. What in some language also means a reply or a word of its own is in the second set.
FORWARD_PREFIXES = frozenset(
    {
        "fwd", "fw", "forward", "forwarded", "rv", "reenv", "reenviar", "reenviado", "tr", "tr.", "enc", "wg",
        "doorst", "doorgestuurd", "пер", "пересл", "пересылка", "fs", "转发", "轉寄", "轉發", "vb", "redir", "redir.",
        "ilt", "i̇lt", "videresend", "vl", "vidarebefordrat", "továbbítás", "tov", "prep", "přep", "転送",
        "전달", "إعادة توجيه", "הועבר", "προωθ", "προώθ", "πρθ", "doorg", "tf", "réexp", "transf", "res", "enc.",
        "chuyển tiếp", "trs", "przek", "podaj dalej",
    }
) - {"res"}  # fmt: skip
#: Forwarding in Italian, Polish, Danish and Norwegian; elsewhere a reply, a roman number or a short word.
DOUBTFUL_FORWARD_PREFIXES = frozenset({"i", "pd", "vs", "enc", "r"}) - {"r"}
#: Below a mail that is passed on.
END_OF_FORWARDED = (
    "end forwarded message", "end of forwarded message", "end forward", "конец пересылаемого сообщения",
    "конец пересылаемого письма", "кінець пересланого повідомлення", "fin del mensaje reenviado",
    "fin du message transféré", "fine messaggio inoltrato", "ende der weitergeleiteten nachricht",
    "fim da mensagem encaminhada", "fim da mensagem reencaminhada", "end of message",
)  # fmt: skip
