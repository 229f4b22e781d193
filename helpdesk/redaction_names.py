"""Names in a text: of the people and organisations of a ticket, and of people whom the text itself greets or names."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.closings import is_name
from core.quote_words import CLOSINGS, NAME_PARTICLES
from core.words import EVERY_STOP_WORD, fold
from helpdesk.redaction_words import EVERYDAY, NO_NAME, OF_BODIES, OF_PLACES, given_names

LEAST_LETTERS = 3
# Longer words may stand with an ending after them.
_LEAST_INFLECTED = 5
_MOST_STRANGERS = 80

_NAME = r"[^\W\d_a-zß-öø-ÿа-яё][^\W\d_]{0,30}(?:['’-][^\W\d_]{1,30}){0,2}"
_SMALL = r"(?:de|del|la|las|los|da|das|do|dos|di|van|von|der|den|bin|ben|al|el)"
_FULL = rf"{_NAME}\.?(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{0,4}}"
_TITLE = (
    r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Dra|Prof|Engr?|Hon|Rev|Barr|Sr|Sra|Srta|Lic|Licda|Ing|Arq|Abog|Mtro|Mtra|Mme|Mlle|MM|Pr)"
    r"\b\.?|M\.|(?:[Ss]eñor(?:a|ita)?|[Dd]on|[Dd]oña|[Mm]onsieur|[Mm]adame|[Mm]ademoiselle|[Dd]octeur|[Dd]octora?"
    r"|[Ss]enhora?|[Ee]ngenheir[oa]|[Pp]rofessora?|[Pp]rofesora?|[Pp]rofesseure?|[Mm]aître|[Ll]icenciad[oa]"
    r"|[Ii]ngenier[oa]|[Ii]ngénieure?|[Aa]rquitect[oa]|[Aa]bogad[oa]|Chief|[Mm]aestr[oa])\b)"
)
_GREETED = re.compile(
    r"(?:^|(?<=\n)|(?<=[.!?] ))[ \t]*(?:(?i:dear|hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings"
    r"|estimad[oa]s?|apreciad[oa]s?|querid[oa]s?|hola"
    r"|buen(?:os|as)? (?:d[ií]as?|tardes|noches)|ch[eè]r|ch[eè]re|ch[eè]rs|bonjour|bonsoir|salut|prezad[oa]s?"
    r"|car[oa]s?|ol[aá]|oi|bom dia|boa (?:tarde|noite)|уважаемый|уважаемая|здравствуйте))"
    rf",?[ \u00a0]+(?:{_TITLE}[ \u00a0]+)?({_FULL})(?=[ \u00a0]*(?:[,:!.;\n–-]|$| (?:and|y|et|e|&) ))"
    rf"(?: (?:and|y|et|e|&) (?:{_TITLE}[ \u00a0]+)?({_FULL}))?"
)
_THANKED = re.compile(
    r"(?i:\b(?:thanks|thank you|many thanks|gracias|muchas gracias|merci|merci beaucoup|obrigad[oa]|regards"
    r"|saludos|slds|sds|cdlt|cdt|un saludo|un abrazo|abrazos|abraços?|cordialement|bien à vous|amitiés|cheers))"
    rf"(?:,? (?i:again|so much|very much|de nuevo|encore|a|à|bien))?,?[ \u00a0]+({_FULL})(?=[ \u00a0]*(?:[,!.\n]|$))"
)
_TITLED = re.compile(rf"(?<!\w){_TITLE}[ \u00a0]+({_FULL})")
_NAMED = re.compile(
    r"(?i:\b(?:my name is|my name['’]s|me llamo|mi nombre es|je m['’]appelle|mon nom est|meu nome [eé]"
    r"|(?:me )?chamo(?:-me)?|меня зовут|under the name|a nombre de|au nom de))"
    rf"[ \u00a0]+(?:{_TITLE}[ \u00a0]+)?({_FULL})"
)
_BEING = re.compile(
    r"(?i:\b(?:i am|i['’]m|this is|soy|habla|escribe|(?:le|les|te) (?:saluda|escribe)|je suis|ici|sou"
    r"|aqui [eé](?: [oa])?|quem fala [eé](?: [oa])?|fala))"
    rf"[ \u00a0]+(?:{_TITLE}[ \u00a0]+)?({_NAME}(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{1,3}}"
    rf"|{_NAME}(?=,? (?:from|of|with|de|del|d['’]|du|da|do|at)\b))"
)
_COLLEAGUE = re.compile(
    r"(?i:\b(?:colleagues?|boss|supervisor|assistant|contact(?: person)?|focal point|attn|attention|signed"
    r"|compañer[oa]s?|colegas?|jef[ea]|contacto|firmad[oa](?: por)?|atte|coll[eè]gues?|chef|responsable"
    r"|sign[eé](?: par)?|director|directora|directeur|directrice|ask|tell|cc|copy|en copi[ea]|in copy"
    r"|copiando a|spoke (?:to|with)"
    r"|talk(?:ed)? (?:to|with)|speak (?:to|with)|met with|hab(?:lar|l[eéoó]|lamos|lando) con|pregunt(?:en?|ar) a"
    r"|contact[aeo]r? a|parl(?:er|é) [aà]|falar com|falei com|told by|sent by|enviado por|envoyé par"
    r"|(?:written|prepared|approved|reviewed|checked|verified|submitted|uploaded|created|drafted) by"
    r"|(?:escrito|aprobado|elaborado|revisado|verificado|subido|cargado|creado|redactado|feito|elaborado) por"
    r"|(?:préparé|rédigé|vérifié|relu|validé|chargé)e? par))"
    rf",?:?[ \u00a0]+(?:[-–—][ \u00a0]+)?(?:{_TITLE}[ \u00a0]+)?"
    rf"({_NAME}(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{1,3}})"
)
_BESIDE_MAIL = re.compile(
    rf"({_NAME}(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{1,3}})"
    r"[ \u00a0]{0,2}[<(\[]{1,2}(?:mailto:)?[\w.%+'-]{1,64}@"
)
# What people do, after their names.
_DOES = re.compile(
    rf"(?<![\w./@-])({_NAME}(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{1,3}})(?:,|[ \u00a0])[ \u00a0]?(?:"
    r"(?:has |have |had |will |would |also )?(?:wr[oi]tes?|written|says?|said|tells?|told|asks?|asked|sends?|sent"
    r"|replie[ds]|reply|call(?:ed|s)?|phoned|confirm(?:ed|s)?|agree[ds]|mention(?:ed|s)?|explain(?:ed|s)?|sign(?:ed|s)"
    r"|join(?:ed|s)?|approve[ds]|suggest(?:ed|s)?|prepare[ds])"
    r"|who|from (?:our|the|my|their)|of our|our|my"
    r"|(?:(?:me|nos|le|les|ha|lo|la) )?(?:escribi[óo]|escribe|escrito|dijo|dice|dicho|envi[óo]|env[ií]a|mand[óo]"
    r"|pregunt[óoa]"
    r"|confirm[óoa]|pidi[óo]|pide|coment[óoa]|firm[óoa]|aprob[óo]|explic[óoa])|quien|de nuestr[oa]|de mi"
    r"|(?:m['’]a|nous a|vous a|l['’]a|a|lui a)(?: (?:dit|demandé|envoyé|confirmé|écrit|ecrit|répondu|signé|expliqué))"
    r"|(?:dit|demande|écrit|répond|propose|qui)|de notre|de mon"
    r"|(?:(?:me|nos) )?(?:disse|enviou|pediu|perguntou|confirmou|escreveu|assinou|diz)|que trabalha|d[oa] noss[oa]"
    r"|написал(?:а)?)\b"
)
# Whom something is given to, and who holds a post.
_GIVEN_TO = re.compile(
    r"(?i:\b(?:(?:sen[dt]|gave|give|forward(?:ed)?|show(?:ed|n)?|address(?:ed)?) (?:\w+ ){0,3}to"
    r"|(?:colleague|boss|contact|manager|director|name)s? (?:is|are)|named|nombrad[oa]|llamad[oa]|nommée?"
    r"|envi\w{1,5} (?:\w+ ){0,2}a|de parte de|de la part de"
    r"|contador[a]?|t[eé]cnic[oa]|analista|coordinador[a]?|coordenador[a]?|gerente|alcaldes?a?|ministr[oa]|funcionari[oa]"
    r"|comptable|ministre|maire|accountant|officer|engineer|minister|mayor|auditor|secretari[oa]|secrétaire|secretary"
    r"|commissioner|chair(?:man|woman|person)?|ceo|governor|gobernadora?|senator|senadora?|comisionad[oa]|economista"
    r"|registrar|intendent[ea]|préfet|gouverneure?|president[ea]?|présidente?|tesorer[oa]|treasurer|trésori[eè]re?)"
    r"(?: (?:general|executive|ejecutiv[oa]|général|adjointe?))?),?"
    rf"[ \u00a0]+(?:{_TITLE}[ \u00a0]+)?({_NAME}(?:[ \u00a0](?:{_SMALL} ){{0,2}}{_NAME}){{1,3}})"
)
_WRITE_TO = re.compile(
    r"(?i:\b(?:(?:write|reply|talk) to|escrib\w{1,4} a|respond\w{1,3} a|écri\w{1,4} à|répond\w{1,3} à))"
    rf"[ \u00a0]({_FULL})(?=[,.;\n]|$)"
)
_AM = re.compile(rf"(?i:\b(?:i am|i['’]m|soy|je suis|sou o|sou a))[ \u00a0]+({_NAME})(?=[,.\n]| and | y | et | e )")
# A dash and a name at the end of all, as a signature.
_DASHED = re.compile(rf"(?:(?<=[.!?] )[-–—]{{1,2}}|\n[–—]) ?({_FULL})\s{{0,5}}\Z")
# Family names in capitals before the given ones: “ROJAS PAREDES, María”.
_CAPITALS = r"[^\W\d_a-zß-öø-ÿа-яё]{2,30}(?:['’-][^\W\d_a-zß-öø-ÿа-яё]{2,30})?"
_FAMILY_FIRST = re.compile(
    rf"^[ \t]*({_CAPITALS}(?: {_CAPITALS}){{0,2}}),? ({_NAME}(?: {_NAME}){{0,2}})", re.MULTILINE
)
_FILE = re.compile(r"(?<![\w.@/-])[\w-]{3,80}\.(?:pdf|docx?|odt|xlsx?|ods|csv|json|zip|jpe?g|png|txt|eml|msg)\b")
_STRANGERS = (
    _DASHED,
    _GREETED,
    _THANKED,
    _TITLED,
    _NAMED,
    _BEING,
    _COLLEAGUE,
    _BESIDE_MAIL,
    _DOES,
    _GIVEN_TO,
    _WRITE_TO,
    _AM,
)
# Words with capitals in a row, as names are written.
_RUN = re.compile(
    rf"(?<![\w./@\\#-])(?:{_NAME}|[^\W\d_a-z]\.)"
    rf"(?:[ \u00a0](?:{_SMALL} ){{0,2}}(?:{_NAME}|[^\W\d_a-z]\.(?!\w))){{0,7}}"
    r"(?![\w@\\/])"
)
_NEXT = re.compile(rf"[ \u00a0](?:{_SMALL} ){{0,2}}({_NAME})(?!\w)|[ \u00a0]([^\W\d_a-z])\.(?!\w)")
_INITIAL = re.compile(r"(?<!\w)([^\W\d_a-z])\. ?$")
_PARTICLES = re.compile(rf"(?i:\b(?:{_SMALL} ){{1,3}})$")
_BETWEEN = re.compile(rf"[ \u00a0.\-_‐‑](?:{_SMALL} ){{0,2}}")
_CYRILLIC = re.compile(r"[а-яё]+")
_INSIDE_CODE = frozenset("_/\\")
_COMMON_HOSTS = frozenset(
    [
        "www",
        "gov",
        "gob",
        "gouv",
        "org",
        "com",
        "net",
        "edu",
        "mail",
        "portal",
        "data",
        "datos",
        "web",
        "info",
        "example",
        "int",
    ]
)


@dataclass(frozen=True)
class Known:
    """What is known of the people of a ticket.

    ``hosts`` are of their mail and their websites, ``logins`` what stands before the @ of their addresses.
    """

    names: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()


Span = tuple[str, int, int]
Fits = Callable[[str, str], bool]


def find(text: str, known: Known) -> list[Span]:
    """(kind, start, end) of every name, overlapping where one lies in another."""
    folded, places = _folded(text)
    found: list[Span] = []

    def look(kind: str, parts: Iterable[str], fits: Fits, *, ending: bool) -> None:
        for part in parts:
            needle = _needle(part, ending=ending)
            for match in re.finditer(needle, folded) if needle else ():
                begin, end = places[match.start()], places[match.end() - 1] + 1
                if fits(part, text[begin:end]) and not _is_code(part, text, begin):
                    found.append((kind, begin, end))

    look("organisation", _organisation_parts(known.organisations, known.hosts), _is_written_so, ending=False)
    parts = _name_parts([*known.names, *strangers(text)])
    look("name", parts, _is_no_ordinary_word, ending=True)
    look("name", (login for login in known.logins if len(login) > LEAST_LETTERS), _is_no_ordinary_word, ending=False)
    look("country", known.countries, _is_no_ordinary_word, ending=True)
    words = {fold(part) for part in parts}
    found += _in_files(text)
    return _joined(text, [_with_rest(text, span, words) if span[0] == "name" else span for span in found])


def _joined(text: str, found: list[Span]) -> list[Span]:
    """With names that stand side by side as one: “José” and “Ángel” are “José Ángel”."""
    joined: list[Span] = []
    for kind, start, end in sorted(found):
        if joined and kind == "name" == joined[-1][0]:
            last = joined[-1]
            if start <= last[2] or _BETWEEN.fullmatch(text, last[2], start):
                joined[-1] = (kind, last[1], max(end, last[2]))
                continue
        joined.append((kind, start, end))
    return joined


def _in_files(text: str) -> Iterator[Span]:
    """Given names in the names of files, each with the word after it: “john_mbeki” in “cv_john_mbeki.pdf”."""
    for file in _FILE.finditer(text):
        words = list(re.finditer(r"[^\W\d_]+", file[0].rpartition(".")[0]))
        for word, after in zip(words, [*words[1:], None], strict=True):
            plain = fold(word[0])
            if len(plain) > LEAST_LETTERS and plain not in EVERYDAY and plain in given_names():
                yield "name", file.start() + word.start(), file.start() + (after or word).end()


def strangers(text: str) -> list[str]:
    """Names of people whom a text greets, thanks, names by title or signs with, whoever they are."""
    found: dict[str, None] = {}
    for pattern in _STRANGERS:
        for match in pattern.finditer(text):
            if pattern is _DOES and text[max(0, match.start() - 4) : match.start()].lower() == "the ":
                continue
            found |= dict.fromkeys(name for each in match.groups() if each and (name := _cleaned(each)))
            if len(found) >= _MOST_STRANGERS:
                return list(found)
    found |= dict.fromkeys(signed(text))
    found |= dict.fromkeys(given(text))
    for match in _FAMILY_FIRST.finditer(text):
        first = match[2].split(" ")[0]
        if _is_given(first, fold(first)) and (" " in match[1] or len(match[1]) > LEAST_LETTERS + 1):
            found |= dict.fromkeys(name for each in (match[1].title(), match[2]) if (name := _cleaned(each)))
    return list(found)[:_MOST_STRANGERS]


def given(text: str) -> Iterator[str]:
    """Names that begin with a given name that many people have, up to where they end."""
    for match in _RUN.finditer(text):
        words = re.split(r"[ \u00a0]", match[0])
        plain = [fold(word.strip(".")) for word in words]
        if not OF_BODIES.isdisjoint(plain):
            continue
        first = next((place for place, word in enumerate(plain) if _is_given(words[place], word)), None)
        if first is None or (first and plain[first - 1] in OF_PLACES):
            continue
        rest = [
            place for place in range(first + 1, len(words)) if _is_surname(words[first], words[place], plain[place])
        ]
        if not rest and (plain[first] in EVERYDAY or words[first].isupper()):
            continue
        if name := _cleaned(" ".join(words[first : rest[-1] + 1 if rest else first + 1])):
            yield name


def _is_given(word: str, plain: str) -> bool:
    known = given_names()
    return len(plain) > 1 and not word.endswith(".") and (plain in known or re.split(r"['’-]", plain)[0] in known)


def _is_surname(given_name: str, word: str, plain: str) -> bool:
    """Whether a word with a capital after a given name may go on with it: no abbreviation, no word of a sentence."""
    if plain in NO_NAME or plain in EVERY_STOP_WORD or (word.isupper() and len(word) > 2 and not given_name.isupper()):
        return False
    return word[:1].isupper()


def signed(text: str) -> list[str]:
    """Names below the closing phrases of a text: “Best regards,” and then a line with a name."""
    lines = text.replace("\r\n", "\n").split("\n")
    names = []
    for place, line in enumerate(lines):
        is_mark = line.strip() in {"--", "---", "—"} and place + 8 >= len(lines)
        if not is_mark and line.strip().lower().strip(",.! -—–") not in CLOSINGS:
            continue
        below = next((each.strip() for each in lines[place + 1 : place + 4] if each.strip()), "")
        plain = re.split(r"[,(|–—/]| - ", below)[0].strip()
        if plain and is_name(plain) and (name := _cleaned(plain)):
            names.append(name)
    return names


def _cleaned(name: str) -> str:
    """A name without words in front of it or after it that are none; "" if nothing is left."""
    words = re.split(r"[ \u00a0]+", name.strip(" .,'’-"))
    while words and (fold(words[0]) in NO_NAME or fold(words[0]) in EVERY_STOP_WORD):
        words.pop(0)
    while words and (words[-1].lower() in NAME_PARTICLES or fold(words[-1]) in NO_NAME):
        words.pop()
    plain = [fold(word) for word in words if word.lower() not in NAME_PARTICLES]
    if not words or not NO_NAME.isdisjoint(plain) or not OF_BODIES.isdisjoint(plain):
        return ""
    if all(word.isupper() and len(word) > 1 for word in words) and len(words) == 1:
        # A word in capitals alone is an abbreviation before it is a name.
        return ""
    return " ".join(words) if any(len(word) >= LEAST_LETTERS for word in words) else ""


def _with_rest(text: str, span: Span, words: set[str]) -> Span:
    """A name with the initial before it and with further words of it that nobody told us: “P. Ortiz Gómez”."""
    kind, start, end = span
    own = text[start:end]
    before = _INITIAL.search(text, max(0, start - 4), start)
    if before is not None and any(word.startswith(fold(before[1])) for word in words):
        start = before.start()
    particles = _PARTICLES.search(text, max(0, start - 20), start)
    if particles is not None and any(fold(particles[0] + own) in word for word in words if " " in word):
        start = particles.start()
    if own[:1].isupper() and not own.isupper():
        for _more in range(2):
            after = _NEXT.match(text, end)
            word = fold(after[1] or after[2]) if after else ""
            if (
                after is None
                or (after[1] and word in EVERY_STOP_WORD)
                or word in words
                or (after[1] and word in NO_NAME)
                or (after[1] or "").isupper()
            ):
                break
            end = after.end()
    return kind, start, end


def _needle(part: str, *, ending: bool) -> str:
    words = [fold(word) for word in re.split(r"[\s\-]+", part) if fold(word)]
    if not words:
        return ""
    plain = r"[\s_.\-]{1,3}".join(re.escape(word) for word in words)
    if ending and _CYRILLIC.fullmatch(words[-1]) and len(words[-1]) >= LEAST_LETTERS + 1:
        stem = re.escape(words[-1].rstrip("аеиоуыэюяь"))
        plain = r"[\s_.\-]{1,3}".join([*(re.escape(word) for word in words[:-1]), stem]) + "[а-яё]{0,3}"
    elif ending and len(words[-1]) >= _LEAST_INFLECTED:
        plain += "(?:e?s)?"
    # Letters alone make a word longer: a name also stands in “ortiz_2024.csv”.
    return rf"(?<![^\W\d_]){plain}(?![^\W\d_])"


def _is_code(part: str, text: str, begin: int) -> bool:
    """Whether a word that is no certain name stands in a path or an identifier."""
    before = text[begin - 1 : begin]
    if not before or before not in _INSIDE_CODE:
        return False
    return fold(part) in EVERYDAY or fold(part) in EVERY_STOP_WORD or len(part) <= LEAST_LETTERS


def _is_written_so(part: str, text: str) -> bool:
    """An abbreviation is only one in capitals: “uno” is no “UNO”."""
    return text.isupper() if part.isupper() else True


def _is_no_ordinary_word(part: str, text: str) -> bool:
    """A name that is also a word of everyday is a name only with a capital."""
    return not text.islower() or (fold(part) not in EVERY_STOP_WORD and fold(part) not in EVERYDAY)


def _name_parts(names: Iterable[str]) -> list[str]:
    parts: dict[str, None] = {}
    for name in names:
        words = [word.strip(".,;()'’\"") for word in name.replace("-", " ").split()]
        parts |= dict.fromkeys([name, *(word for word in words if _is_part(word))])
    return sorted(parts, key=len, reverse=True)


def _is_part(word: str) -> bool:
    # Scripts without an alphabet write names in two signs.
    least = LEAST_LETTERS if word.isascii() or fold(word).isascii() else 2
    return len(word) >= least and word.lower() not in NAME_PARTICLES


def _organisation_parts(organisations: Iterable[str], hosts: Iterable[str]) -> list[str]:
    parts: dict[str, None] = {}
    for name in organisations:
        plain = re.sub(r"\s*\([^)]*\)", "", name).strip()
        both = [each.strip() for each in re.split(r" [-–—] ", plain)]
        parts |= dict.fromkeys([name, plain, plain.partition(",")[0].strip(), both[0]])
        parts |= dict.fromkeys(each for each in both[1:] if " " in each)
        words = re.findall(r"[^\W\d_]+", name)
        parts |= dict.fromkeys(word for word in words if word.isupper() and len(word) >= 2)
        capitals = "".join(word[0] for word in words if word[0].isupper() and not (word.isupper() and len(word) > 1))
        if len(capitals) >= LEAST_LETTERS:
            parts[capitals] = None
    for host in hosts:
        label = host.split(".")[0]
        if len(label) >= LEAST_LETTERS and label not in _COMMON_HOSTS:
            parts[label.upper()] = None
    return sorted((part for part in parts if len(part) >= 2), key=len, reverse=True)


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without accents and capitals, and for each of its characters its place in the text as it was."""
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = char.lower() if char.isascii() else fold(char) or " "
        letters.append(plain)
        places += [place] * len(plain)
    return "".join(letters), places
