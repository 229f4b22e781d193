"""The language of short texts as they come to a desk: known, or "" where it is not clear; never a guess."""

import pytest

from core.language import language_of

TEXTS = [
    ("en", "Hello, could you please tell us how to publish the data?"),
    ("en", "Good morning. Attached is the file."),
    ("en", "We have problem with validator"),
    ("en", "Please find attached"),
    ("en", "OK thanks, will do"),
    ("es", "Buenos días, ¿podrían indicarnos cómo publicar los datos?"),
    ("es", "Gracias por la ayuda"),
    ("es", "Adjunto el archivo solicitado"),
    ("es", "Tenemos un problema con el validador"),
    ("es", "Muchas gracias"),
    ("es", "Estimados señores"),
    ("fr", "Bonjour, pouvez-vous nous indiquer comment publier les données ?"),
    ("fr", "Merci beaucoup pour votre aide"),
    ("fr", "Veuillez trouver ci-joint le fichier"),
    ("fr", "Nous avons un problème avec le validateur"),
    ("pt", "Bom dia, poderiam nos dizer como publicar os dados?"),
    ("pt", "Obrigado pela ajuda"),
    ("pt", "Segue em anexo o arquivo"),
    ("pt", "Temos um problema com o validador"),
    ("pt", "Não conseguimos validar"),
    ("ru", "Здравствуйте, подскажите, как опубликовать данные?"),
    ("ru", "Спасибо за помощь"),
    ("ru", "У нас проблема с валидатором"),
    ("uk", "Добрий день, підкажіть, як опублікувати дані?"),
    ("uk", "Дякую за допомогу"),
    ("uk", "У нас проблема з валідатором"),
    ("uk", "Вітаю! Маємо питання щодо публікації"),
    ("ar", "مرحبا، كيف يمكننا نشر البيانات؟"),
    ("ar", "شكرا جزيلا"),
    ("zh", "您好，请问如何发布数据？"),
    ("ja", "データの公開方法を教えてください。"),
    ("ko", "안녕하세요, 데이터를 어떻게 공개하나요?"),
    ("de", "Guten Tag, wie können wir die Daten veröffentlichen?"),
    ("de", "Vielen Dank für Ihre Hilfe"),
    ("it", "Buongiorno, come possiamo pubblicare i dati?"),
    ("it", "Grazie per l'aiuto"),
    ("nl", "Goedendag, hoe kunnen wij de gegevens publiceren?"),
    ("pl", "Dzień dobry, jak możemy opublikować dane?"),
    ("id", "Selamat pagi, bagaimana kami dapat menerbitkan data?"),
    ("ro", "Bună ziua, cum putem publica datele?"),
    ("sw", "Habari, tunawezaje kuchapisha data hizi kwa umma?"),
    ("tr", "Merhaba, verileri nasıl yayınlayabiliriz?"),
    ("vi", "Xin chào, làm thế nào để chúng tôi công bố dữ liệu?"),
    ("el", "Καλημέρα, πώς μπορούμε να δημοσιεύσουμε;"),
    ("he", "שלום, איך נפרסם את הנתונים?"),
    ("fa", "سلام، چگونه می‌توانیم داده‌ها را منتشر کنیم؟"),
    ("sq", "Përshëndetje, si mund t'i publikojmë të dhënat?"),
    ("kk", "Сәлеметсіз бе, деректерді қалай жариялаймыз?"),
    ("mn", "Сайн байна уу, өгөгдлийг хэрхэн нийтлэх вэ?"),
    ("sr", "Добар дан, како можемо објавити податке?"),
    ("hr", "Dobar dan, kako možemo objaviti podatke?"),
    ("hu", "Jó napot, hogyan tehetjük közzé az adatokat?"),
    ("cs", "Dobrý den, jak můžeme zveřejnit data?"),
    ("mk", "Добар ден, како можеме да ги објавиме податоците?"),
    ("hy", "Բարև, ինչպե՞ս հրապարակենք տվյալները"),
    ("ka", "გამარჯობა, როგორ გამოვაქვეყნოთ მონაცემები?"),
    ("ne", "नमस्ते, हामी डाटा कसरी प्रकाशन गर्न सक्छौं?"),
    ("th", "สวัสดี เราจะเผยแพร่ข้อมูลได้อย่างไร"),
    ("tl", "Magandang araw, paano namin mailalathala ang mga datos?"),
    ("", "ok"),
    ("", "123"),
    ("", "??"),
    ("", "https://data.example/x"),
    ("", "Test"),
    ("", "FYI"),
    ("", "a b c"),
    ("", "Ticket 5"),
]


@pytest.mark.parametrize(("language", "text"), TEXTS)
def test_the_language_of_a_sentence_is_known(language, text):
    assert language_of(text) == language


def test_the_second_text_counts_where_the_first_says_nothing():
    assert language_of("ok", "Buenos días, ¿pueden ayudarnos?") == "es"


def test_addresses_and_quoted_lines_do_not_count():
    assert language_of("> Where is the file that you have for us?\nMerci beaucoup pour votre aide") == "fr"
