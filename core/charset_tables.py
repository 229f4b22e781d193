"""What core.charsets needs to know of charsets and of the languages written in them. Only data."""

import math

#: Charsets that a label is allowed to choose: text only, nothing that computes (punycode, unicode_escape, zlib).
KNOWN_NAMES = """
    ascii utf-8 utf-8-sig utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be gb18030 gbk gb2312 hz big5
    big5hkscs cp950 shift_jis shift_jis_2004 shift_jisx0213 cp932 euc_jp euc_jis_2004 euc_jisx0213 iso2022_jp
    iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 iso2022_jp_ext iso2022_jp_2004 iso2022_kr euc_kr cp949 johab koi8-r
    koi8-u koi8-t kz1048 ptcp154 tis-620 iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7
    iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 mac-roman mac-cyrillic
    mac-latin2 mac-greek mac-turkish cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862
    cp863 cp864 cp865 cp866 cp869 cp874 cp1125 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
"""
KNOWN = frozenset(KNOWN_NAMES.split())

#: Labels that mean a larger charset in practice (WHATWG Encoding Standard), and labels Python does not know.
MEANS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "utf-8-sig": "utf-8",
}
ALIASES = {
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "ansi_x3.110-1983": "cp1252",
    "iso-10646": "utf-16",
    "unicode": "utf-16",
    "cp-850": "cp850",
    "windows-874": "cp874",
    "windows-31j": "cp932",
    "ansi": "cp1252",
    "iso-8859": "cp1252",
    "x-user-defined": "cp1252",
    "koi8-ru": "koi8-u",
    "hz-gb-2312": "hz",
    "iso-2022-cn": "gb18030",
    "iso-2022-cn-ext": "gb18030",
    "cp65001": "utf-8",
    "windows-65001": "utf-8",
    "utf_8_mb4": "utf-8",
    "utf-8-mac": "utf-8",
    "cesu-8": "utf-8",
    "unicode-2-0-utf-8": "utf-8",
    "x-windows-949": "cp949",
    "windows-949": "cp949",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows-936": "gb18030",
    "windows-932": "cp932",
    "ms932": "cp932",
    "windows-950": "cp950",
    "dos-862": "cp862",
    "cp-866": "cp866",
    "latin-1": "cp1252",
}
#: Labels by which a program says that it does not know.
NO_CLAIM = frozenset(
    {"", "unknown-8bit", "x-unknown", "unknown", "default", "binary", "8bit", "7bit", "none", "_iso-2022-jp$esc"}
)
WESTERN = frozenset("áéíóúàèìòùâêîôûäëïöüãõñçåæøœßýÁÉÍÓÚÀÈÌÒÙÂÊÎÔÛÄËÏÖÜÃÕÑÇÅÆØŒ¿¡«»°ºª€£§©®·–—‘’“”•…\xa0´²³")
#: Letters with marks of Polish, Czech, Slovak, Hungarian, Romanian, Croatian and Slovene.
CENTRAL = frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽľĺŕôäĽŔőűöüŐŰÖÜăâîşţĂÂÎŞŢđĐßç")
TURKISH = frozenset("ğışçöüâîûĞİŞÇÖÜ")
#: How much a letter says that the text is Hebrew, by how often it comes.
HEBREW = {
    char: math.log(frequency) / 1.6
    for char, frequency in zip(
        "יוהלארתבשמנםדקחפטכעןגצסזףךץ",
        (110, 104, 100, 74, 63, 56, 50, 47, 44, 46, 29, 30, 26, 22, 25, 17, 13, 23, 32, 14, 13, 12, 15, 13, 3, 8, 2),
        strict=True,
    )
}
#: How often a letter comes among a thousand of Russian text; the last four are Ukrainian and Belarusian.
RUSSIAN_FREQUENCY = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъіїєґ",
        (
            109,
            85,
            80,
            74,
            67,
            63,
            55,
            47,
            45,
            43,
            35,
            32,
            30,
            28,
            26,
            20,
            19,
            17,
            17,
            16,
            16,
            14,
            12,
            10,
            9,
            7,
            6,
            5,
            4,
        )
        + (3, 3, 2, 1, 20, 6, 5, 1),
        strict=True,
    )
)
RUSSIAN = {char: math.log(frequency + 0.5) / 1.6 for char, frequency in RUSSIAN_FREQUENCY.items()}
CHINESE = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件"
    "计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运您请谢附邮"
)
CHINESE_OLD = frozenset("的是不我有這個們來為國會說時對學過發後還進開無與長機動經現點業應戰關問題實電數請謝郵您們於")
