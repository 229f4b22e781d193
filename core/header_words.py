"""How mail programs name the fields of a header when they show one above a quoted or forwarded mail. Only data."""

#: Field → its names in the languages of mail programs, in lower case, without the colon.
FIELD_LABELS: dict[str, frozenset[str]] = {
    "from": frozenset(
        {
            "from", "de", "von", "da", "van", "от", "от кого", "отправитель", "отправлено от", "від", "від кого",
            "відправник", "од", "од кога", "од кого", "od", "fra", "från", "lähettäjä", "feladó", "de la",
            "expeditor", "expeditorul", "kimden", "gönderen", "dari", "từ", "发件人", "寄件者", "寄件人", "差出人",
            "送信元", "送信者", "보낸 사람", "보낸사람", "보낸이", "من", "المرسل", "از", "فرستنده", "από", "מאת",
            "remitente", "expéditeur", "remetente", "absender", "mittente", "afzender", "nadawca", "odesílatel",
            "odosielateľ", "afsender", "avsender", "avsändare", "saatja", "šalje", "pošiljatelj", "no", "nuo",
            "з", "ад", "ад каго", "prej", "nga", "από:", "desde", "från:", "чаас", "кімнен", "ким", "დან", "ვისგან",
            "ից", "ումից", "kimdən", "ማን", "จาก", "มาจาก", "ពី", "ຈາກ", "प्रेषक", "द्वारा", "প্রেরক",
            "kutoka", "kutoka kwa", "frá", "oddawca", "o", "oddr", "od koho", "mula kay", "daripada", "dal", "нуо",
            "хэнээс", "saatja:", "pošiljalac", "pošiljalec", "пошиљалац", "изпратено от", "подател",
        }
    ) - {"o", "з", "no"},
    "to": frozenset(
        {
            "to", "para", "à", "a", "an", "aan", "кому", "до", "do", "komu", "til", "till", "vastaanottaja",
            "címzett", "către", "destinatarul", "kime", "alıcı", "kepada", "ke", "untuk", "tới", "đến", "收件人",
            "收件者", "宛先", "送信先", "받는 사람", "받는사람", "받는이", "إلى", "الى", "به", "گیرنده", "προς", "אל",
            "destinatario", "destinataire", "destinatário", "empfänger", "pour", "prima", "pre", "adresat", "za",
            "saaja", "kellele", "kam", "kam:", "kas", "gavėjas", "viņam", "ถึง", "دریافت‌کننده", "प्रति", "প্রতি",
            "kwa", "кога", "үшін", "до кого", "каму", "primatelj", "primalac", "прималац", "получатель", "адресат",
            "отримувач", "mottaker", "mottagare", "modtager", "geadresseerde", "приемник",
        }
    ),
    "cc": frozenset(
        {
            "cc", "kopie", "kopie (cc)", "kopio", "kopi", "kopia", "másolat", "másolatot kap", "dw", "do wiadomości",
            "копия", "копія", "kópia", "copie à", "copie", "copia", "cópia", "bilgi", "抄送", "副本", "참조", "نسخة",
            "رونوشت", "κοιν", "κοιν.", "κοινοποίηση", "עותק", "bcc", "cco", "cci", "bcc:", "tembusan", "đồng gửi",
            "สำเนา", "копие", "копија", "kk", "koopia", "kopija", "másolatot kapja", "c.c", "c.c.", "con copia",
            "udw", "másolat:", "ccn", "cci:",
        }
    ),
    "subject": frozenset(
        {
            "subject", "asunto", "objet", "sujet", "assunto", "betreff", "oggetto", "onderwerp", "тема", "предмет",
            "temat", "emne", "ämne", "aihe", "předmět", "predmet", "věc", "tárgy", "subiect", "subiectul", "konu",
            "perihal", "subjek", "chủ đề", "tiêu đề", "主题", "主題", "主旨", "件名", "标题", "제목", "الموضوع",
            "موضوع", "θέμα", "נושא", "naslov", "teema", "tēma", "temats", "tema", "относно", "สรุป", "เรื่อง",
            "หัวเรื่อง", "विषय", "বিষয়", "mada", "efni", "zadeva", "mavzu", "mövzu", "тақырыбы", "тақырып", "темы",
            "arihe", "assumpte", "gaia", "perkara", "paksa", "тэма", "թեմա", "თემა", "ርዕስ",
        }
    ),
    "date": frozenset(
        {
            "date", "sent", "enviado", "enviado el", "enviada em", "enviado em", "enviada", "enviat", "fecha",
            "fecha de envío", "data", "envoyé", "envoyé le", "gesendet", "gesendet am", "datum", "inviato",
            "data invio", "verzonden", "дата", "отправлено", "отправка", "надіслано", "відправлено", "дата:",
            "wysłano", "sendt", "skickat", "skickad", "lähetetty", "dato", "odesláno", "odoslané", "elküldve",
            "dátum", "trimis", "data trimiterii", "dată", "gönderildi", "gönderilen", "gönderme tarihi", "tarih",
            "terkirim", "dikirim", "tanggal", "đã gửi", "ngày", "发送时间", "发送日期", "日期", "时间", "寄件日期",
            "時間", "日時", "日付", "送信日時", "送信日", "보낸 날짜", "날짜", "보낸날짜", "보낸 시간",
            "تاريخ الإرسال",
            "التاريخ", "تم الإرسال", "أرسلت", "تاریخ", "στάλθηκε", "ημερομηνία", "נשלח", "תאריך", "päiväys",
            "päivämäärä", "kuupäev", "saadetud", "datums", "nosūtīts", "išsiųsta", "изпратено", "испратено",
            "poslano", "poslato", "послато", "дата на изпращане", "ส่ง", "ส่งเมื่อ", "วันที่", "दिनांक", "तारीख",
            "তারিখ", "imetumwa", "tarehe", "dags", "dagsetning", "даты", "жіберілді", "күні", "sana", "göndərildi",
            "data:", "адпраўлена", "dihantar", "тарих",
        }
    ),
    "other": frozenset(
        {
            "reply-to", "reply to", "odgovori na", "odpověď na", "svar til", "antwoord aan", "vastaus",
            "répondre à", "antwort an", "válaszcím", "rispondi a", "odpowiedź-do", "responder a", "răspuns către",
            "ответ-кому", "odpovedať-pre", "svara till", "yanıt adresi", "кому відповісти", "importance",
            "importancia", "importância", "wichtigkeit", "priority", "prioridad", "priorité", "attachments",
            "datos adjuntos", "pièces jointes", "anexos", "anlagen", "allegati", "bijlagen", "вложения", "вкладення",
            "per conto di", "on behalf of", "organization", "organisation", "message-id", "x-mailer", "resent-from",
            "mailed-by", "signed-by", "security", "mailing list", "list", "content-type", "user-agent", "categories",
            "réponse à", "important", "sensitivity", "附件", "添付ファイル", "첨부 파일",
        }
    ),
}  # fmt: skip

FIELD_OF = {label.rstrip(":"): field for field, labels in reversed(FIELD_LABELS.items()) for label in labels if label}
FROM_LABELS = frozenset(label for label, field in FIELD_OF.items() if field == "from")
OTHER_LABELS = frozenset(FIELD_OF) - FROM_LABELS
