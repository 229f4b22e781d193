"""The language of a short text: by its script, then by its small words. Deterministic, nothing to download.

Says "" when unsure: a wrong language costs more than none (templates, routing and stemming follow it).
"""

import re
from collections import Counter

_SAMPLE = 2_000
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NOISE = re.compile(r"https?://\S{1,500}|\S{1,100}@\S{1,200}|^>.{0,500}$", re.MULTILINE)

#: The commonest small words of each language; a word in several languages counts less in each.
_WORDS = {
    "en": (
        "yes since also any some all now need see new attached file more the and of to in is that for it "
        "with as was on are be this have from or by not but what we our you your can would how there if will "
        "find problem help they which please thank thanks regards hello dear could should about has had were an at "
        "do does when where who their its i'm don't us i my me"
    ),
    "es": (
        "el la los las de que y en un una por con para del se es al lo como más pero sus su le ya este esta "
        "sí porque cuando muy sin sobre también me hasta hay donde quien desde nos durante estamos todo "
        "gracias muchas adjunto archivo solicitado ayuda problema hola "
        "buenos días saludos estimados cómo qué son tenemos nuestro nuestra puede pueden usted "
        "ustedes está están ser fue no si o a"
    ),
    "fr": (
        "le la les de des du et en un une que qui est pour dans ce il sur pas plus par je avec tout nous "
        "vous mais ou comme au aux sont cette ces leur bonjour merci être avons notre nos votre vos ne se "
        "été fait peut comment avez j'ai c'est d'un d'une qu'il n'est l'on suis à y si cordialement veuillez "
        "beaucoup aide problème trouver joint ci-joint fichier ça marche question"
    ),
    "pt": (
        "o a os as de que e do da dos das em um uma para com não por mais como mas ao ele foi na no nas nos "
        "se sua seu ou quando muito já está eu também só pelo pela até isso ela entre depois sem mesmo aos "
        "segue anexo arquivo ajuda problema conseguimos "
        "você vocês são obrigado obrigada olá bom dia temos nosso nossa podemos é à às gostaria"
    ),
    "it": (
        "il lo la gli le di che e è un una per con non del della dei delle in nel nella si come più ma anche "
        "sono questo questa al alla ai da dal ci ho abbiamo grazie buongiorno nostro nostra vostro essere ha "
        "hanno possiamo vorrei"
    ),
    "de": (
        "der die das und ist nicht ein eine zu den dem des mit von für auf im in sich es auch als an wir ich "
        "sie wie haben hat werden wird bei oder aus nach aber um kann können guten tag hallo danke bitte "
        "unsere unser ihre ihr sind noch zum zur über"
    ),
    "nl": (
        "de het een en van is dat niet op te zijn voor met die aan er ook als bij maar om dan kan wij we je "
        "ik hebben heeft worden naar uit hoe graag bedankt beste onze deze dit door wordt"
    ),
    "pl": (
        "i w nie na to że się z do jest jak ale o co po tak za od dla czy ma przez jako są być mamy proszę "
        "dziękuję dzień dobry nasze który które oraz lub tym"
    ),
    "ro": (
        "și si în este la de cu pe nu că un o din pentru care sunt mai ca fi sau ce am avem bună ziua "
        "mulțumesc vă noastre acest această datele prin să"
    ),
    "id": (
        "yang dan di ini untuk dengan dari dalam tidak adalah pada akan kami anda itu ke bisa ada saya kita "
        "atau juga sudah terima kasih apakah bagaimana oleh sebagai telah"
    ),
    "sw": "na ya wa kwa ni katika za la cha hii kuwa kama hiyo yetu asante habari tuna sisi lakini pia au ili",
    "tr": (
        "ve bir bu için ile de da ne çok olarak var mı mi daha gibi olan merhaba teşekkürler nasıl biz veri "
        "en ama sonra kadar"
    ),
    "sv": ("och att det i en är på som av för med den till inte om har de ett vi jag hur kan tack hej från var eller"),
    "da": (
        "og at det er en på som af for med den til ikke om har de et vi jeg hvordan kan tak hej fra var eller også "
        "skal vil blive være hvad dette venlig hilsen mvh"
    ),
    "no": (
        "og at det er en på som av for med den til ikke om har de et vi jeg hvordan kan takk hei fra var eller også "
        "skal vil bli være hva dette vennlig hilsen noe etter"
    ),
    "fi": (
        "ja on ei että se mutta kun niin kuin olen olemme voimme miten tämä hei kiitos myös jos ovat joka sekä tai "
        "meidän tiedot ystävällisin terveisin"
    ),
    "cs": (
        "a je se na to že v s z do ale jak pro jsme jsou být máme prosím děkuji dobrý den můžeme naše který které "
        "nebo také když tento bude s pozdravem jako po"
    ),
    "sk": (
        "a je sa na to že v s z do ale ako pre sme sú byť máme prosím ďakujem dobrý deň môžeme naše ktorý ktoré "
        "alebo tiež keď tento bude s pozdravom po"
    ),
    "hr": (
        "i je se na da u za su od kako smo ali ili što koji koje sa možemo hvala molim dobar dan poštovani podatke "
        "naše biti nije ovo te bi po o"
    ),
    "hu": (
        "a az és hogy nem is egy de van meg ez ha mint csak már vagy jó napot köszönöm kérem hogyan tudjuk lehet "
        "vagyunk nekünk adatok szép üdvözlettel adatokat"
    ),
    "sq": (
        "dhe në të i e për me një që nga nuk si është jemi mund të dhënat faleminderit përshëndetje ju ne kjo por "
        "ose po ka"
    ),
    "vi": (
        "và là của có không cho được các trong để với này những một chúng tôi bạn xin chào cảm ơn làm thế nào dữ "
        "liệu đã sẽ khi từ về như cũng"
    ),
    "tl": (
        "ang ng sa na mga at ay para po namin ako kami hindi ito may kung paano magandang araw salamat ninyo natin "
        "nang ba si"
    ),
    "ca": (
        "el la els les de i que en un una per amb del no és al com més però seu si ja aquest aquesta gràcies bon "
        "dia hola podem dades hem són nostre nostra també"
    ),
    "ru": (
        "да нет всё с ещё нужно также и в не на что по это как для но из мы вы у к за от о же бы или "
        "так его при есть если уже только нас нам вас вам здравствуйте спасибо добрый день можно ли наши "
        "данные быть был какие уважением я а до"
    ),
    "uk": (
        "і в не на що з по це як для але із ми ви у до за від про же би або так його при є якщо вже тільки "
        "нас нам вас вам добрий день дякую чи можна наші дані бути був які повагою та й я а"
    ),
    "sr": (
        "и је се на да у за су од како смо али или што који које са можемо хвала молим добар дан поштовани податке "
        "наше бити није ово те би по о"
    ),
    "mk": (
        "и е се на да во за од како ние но или што кој кои со можеме благодарам ве молам добар ден почитувани ги "
        "податоци податоците не ова би по дали"
    ),
    "kk": "және бұл бір деп үшін мен бен қалай біз сіз бар жоқ емес осы сәлеметсіз рахмет деректерді керек еді бе",
    "ky": "жана бул бир деп үчүн менен кандай биз сиз бар жок эмес ушул саламатсызбы рахмат кантип керек эле",
    "mn": "ба нь юм байна бол энэ бид та хэрхэн вэ уу үү сайн баярлалаа тухай байгаа гэж өгөгдөл манай",
    "bg": (
        "и в не на що с по това как за но от ние вие у към е са да се ли със че бъде здравейте благодаря "
        "данни или този които"
    ),
}
_LISTS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_CYRILLIC = frozenset({"ru", "uk", "bg", "sr", "mk", "kk", "ky", "mn"})
_LATIN = frozenset(_LISTS) - _CYRILLIC
#: Each word with its languages and what it counts for them.
_WEIGHTS: dict[str, dict[str, float]] = {}
for _language_code, _list in _LISTS.items():
    for _word in _list:
        _WEIGHTS.setdefault(_word, {})[_language_code] = 0.0
for _word, _languages in _WEIGHTS.items():
    if len(_word) > 1 or len(_languages) < 3:
        _WEIGHTS[_word] = dict.fromkeys(_languages, 1 / len(_languages))
#: Letters that tell languages of one alphabet apart, and what one of them counts.
_LETTERS = {
    "es": "ñ¿¡", "pt": "ãõ", "fr": "œêèùû", "de": "ßäöü", "pl": "łąęśżźćń", "ro": "șțăţş", "tr": "ışğ", "sv": "åäö",
    "da": "æøå", "no": "æøå", "fi": "äö", "cs": "ěřůčšž", "sk": "ľĺŕôďť", "hr": "čćđšž", "hu": "őűáé", "sq": "ëç",
    "vi": "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "ca": "·ç", "sr": "ђћљњџј", "mk": "ќѓѕљњџј",
    "kk": "әғқұһңөүі", "ky": "ңөү", "mn": "өү",
    "ru": "ыэъё", "uk": "іїєґ", "bg": "ъщ",
}  # fmt: skip
#: Scripts that one language of our correspondents uses, as ranges of code points.
_SCRIPTS = (
    ("el", "\u0370", "\u03ff"), ("hy", "\u0530", "\u058f"), ("he", "\u0590", "\u05ff"), ("am", "\u1200", "\u137f"),
    ("ka", "\u10a0", "\u10ff"), ("th", "\u0e00", "\u0e7f"), ("hi", "\u0900", "\u097f"), ("bn", "\u0980", "\u09ff"),
    ("my", "\u1000", "\u109f"), ("km", "\u1780", "\u17ff"), ("lo", "\u0e80", "\u0eff"), ("ko", "\uac00", "\ud7a3"),
    ("kana", "\u3040", "\u30ff"), ("han", "\u4e00", "\u9fff"), ("arabic", "\u0600", "\u06ff"),
    ("cyrillic", "\u0400", "\u04ff"),
)  # fmt: skip


def language_of(*texts: str) -> str:
    """The ISO 639-1 code of the first text whose language is clear, or ""."""
    for text in texts:
        found = _language(_NOISE.sub(" ", text[:_SAMPLE]))
        if found:
            return found
    return ""


def _language(text: str) -> str:
    if text.isascii():
        return _by_words(text.lower(), _LATIN)
    counts: dict[str, int] = {}
    latin = 0
    for char in text:
        if char < "\u0250":
            latin += char.isalpha()
            continue
        script = _script(char)
        if script:
            counts[script] = counts.get(script, 0) + 1
    script, number = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if counts.get("kana", 0) * 8 > counts.get("han", 0) and counts.get("kana", 0) >= 3:
        script, number = "kana", counts["kana"] + counts.get("han", 0)
    # A letter of Chinese or Japanese says as much as some of an alphabet.
    weight = 3 if script in {"han", "kana", "ko"} else 1
    if number < 3 or number * weight * 1.5 < latin:
        return _by_words(text.lower(), _LATIN)
    match script:
        case "cyrillic":
            return _by_words(text.lower(), _CYRILLIC)
        case "hi":
            return "ne" if sum(map(text.count, ("छ", "गर्न", "लाई", "हरू"))) >= 2 else "hi"
        case "arabic":
            return _by_arabic(text)
        case "han":
            return "zh"
        case "kana":
            return "ja"
    return script if number >= 6 else ""


def _script(char: str) -> str:
    return next((name for name, first, last in _SCRIPTS if first <= char <= last), "")


def _by_arabic(text: str) -> str:
    """Arabic, Persian or Urdu: the latter two use letters that Arabic lacks."""
    if sum(map(text.count, "ٹڈڑںے")) >= 2:
        return "ur"
    return "fa" if sum(map(text.count, "پچژگیک")) >= 3 else "ar"


def _by_words(text: str, languages: frozenset[str]) -> str:
    words = [word.replace("’", "'") for word in _WORD.findall(text)]
    if len(words) < 2:
        return ""
    points = dict.fromkeys(languages, 0.0)
    for word in words:
        for language, weight in _WEIGHTS.get(word, {}).items():
            if language in points:
                points[language] += weight
    if not text.isascii():
        marked = Counter(char for char in text if char > "\x7f")
        for language in languages:
            points[language] += min(
                3.0, 0.6 * sum(marked[char] for char in _LETTERS.get(language, "") if char in marked)
            )
    scores = sorted(((score, language) for language, score in points.items()), reverse=True)
    (best, language), (second, _) = scores[0], scores[1]
    enough = 1.0 if languages is _CYRILLIC else 1.2
    return language if best >= enough and best >= second * 1.25 and best >= len(words) * 0.04 else ""
