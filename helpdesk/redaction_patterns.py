"""What addresses, numbers and keys look like, for `helpdesk.redaction`. Only patterns, each linear in the text."""

import re

# Blanks and hyphens as word processors and telephones write them.
_GAP = r"[ .\-\u00a0\u2007\u202f\u2010\u2011\u2013]"

MAIL = re.compile(r"[\w.%+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# As people write it to hide it: name (at) host dot org.
HIDDEN_MAIL = re.compile(
    r"(?<![\w.])[\w.+-]{1,64} ?[\[({<] ?(?:at|arroba|arobase|@) ?[\])}>] ?[\w-]{1,63}"
    r"(?:(?:\.| ?[\[({<] ?(?:dot|punto|point|ponto) ?[\])}>] ?)[\w-]{1,63}){1,6}",
    re.IGNORECASE,
)
# As people spell it: name dot surname at host dot org.
SPELLED_MAIL = re.compile(
    "|".join(
        rf"(?<![\w.])[\w+-]{{1,64}}(?: (?:{dot}) [\w+-]{{1,64}}){{0,3}} {at} [\w-]{{1,63}}"
        rf"(?: (?:{dot}) [\w-]{{1,63}}){{1,4}}"
        for at, dot in (("at", "dot"), ("arroba", "punto|ponto"), ("arobase", "point"))
    ),
    re.IGNORECASE,
)
LINK = re.compile(r"(?:https?|ftp|sftp)://[^\s<>()\"'`\]]{3,2000}", re.IGNORECASE)
HOST = re.compile(r"(?<![\w.@-])[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w-])")
# The place of a ticket or of a file with it, on any site of ours.
OWN_PAGE = re.compile(r"(?<![\w.])/(?:desk/)?tickets/\d{1,12}[^\s<>()\"'`\]]{0,300}")

PHONE = re.compile(
    rf"(?<![\w.,/-])(?:(?:\+"
    rf"|00 ?)\d{{1,3}}{_GAP}{{0,2}})?(?:\(\d{{1,5}}\){_GAP}?)?\d{{2,5}}(?:{_GAP}\d{{1,8}}){{1,6}}(?![\w-])"
    rf"|(?<![\w.,/-])(?:\+|00)\d{{1,3}}{_GAP}\d{{4,12}}(?![\w-])"
    r"|(?<![\w.])\+\d{8,15}(?!\w)"
    r"|(?<![\w.,/-])0\d{7,10}(?![\w-])"
    rf"|(?<![\w.,/-])(?:\(\d{{1,5}}\){_GAP}?)?\d-\d{{3,4}}-\d{{3,4}}(?![\w-])"
    r"|(?<![\w.,/-])0\d{2,4}/\d{5,8}(?![\w/-])"
    rf"|(?<![\w.,/-])\+\d{{1,3}}{_GAP}?\(?\d(?:{_GAP}?\(?\d\)?){{6,13}}(?![\w-])"
)
# A number after a word for a telephone may be short, and in one piece.
CALLED = re.compile(
    r"\b(?:tel|telf|phone|telephone|mobile|cell|cellphone|whatsapp|signal|fax|call (?:me|us) (?:at|on)"
    r"|ring (?:me|us) (?:at|on)"
    r"|tel[eé]fono|m[oó]vil|celular|cel|ll[aá]m(?:ame|eme|enos|anos) al|t[eé]l[eé]phone|t[eé]l|portable"
    r"|joignable au|appelez-(?:moi|nous) au"
    r"|telefone|telem[oó]vel|ligue para|тел|телефон|ext|extension|extensi[oó]n|anexo|interno|int(?=\.)|ramal|poste)"
    r"\b\.?(?: (?:is|es|n[uú]mero|number|no|num|est le|au"
    r"|al))?\.?[ :]{0,3}\(?(\+?\(?\d(?:[\d ().\-\u00a0\u2011]|/(?=\d)){1,24}\d)",
    re.IGNORECASE,
)
# What stands between two of them.
MORE_NUMBERS = re.compile(r" ?(?:[/,;]|o|ou|or|y|e|et|and) ?(\+?\(?\d[\d ().\-\u00a0\u2011]{5,24}\d)(?![\w-])")
# A whole text that is a date, years, a number within a year or a round sum, and no number to call.
DATE = re.compile(
    r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}(?:[ T]\d{1,2})?|[0-3]?\d[./-][0-3]?\d[./-]\d{2,4}(?: \d{1,2})?"
    r"|[0-3]?\d [0-3]?\d \d{2,4}"
    r"|(?:19|20)\d\d\s*[-–/]\s*(?:19|20)\d\d"
    r"|\d{1,2}(?:\.\d{3}){1,4}|[1-9]\d{0,2}(?:[ .\u00a0\u202f]\d{3})*[ .\u00a0\u202f]000"
    r"|\d{1,6}[-/](?:19|20)\d\d(?:[-/]\d{1,4})?"
    r"|(?:(?:19|20)\d\d ){1,5}(?:19|20)\d\d|\d{1,2}[-–]\d{1,2}[ ./]\d{1,2}[ ./]\d{4}"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IP = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w.]*\d)")

_NAME = r"[A-ZÀ-ÖØ-ÝА-Я][\w.'’-]{1,30}"
STREET = re.compile(
    r"\b(?:Calle|Avenida|Avda\.|Avda|Av\.|Ave\.|Carrera|Cra\.|Cra|Kra\.|Jirón|Jr\.|Pasaje|Paseo|Rua|R\.|Rue|rue"
    r"|Boulevard|bd|Bd|Plaza|Place|place"
    r"|avenue|boulevard|Praça|Travessa|Camino|Carretera|Transversal|Diagonal|Lotissement|Plot|Stand"
    r"|P\.? ?O\.? ?Box|P\.?M\.?B\.?|Private Bag|(?:\d{2} )?B\.?P\.?|Apartado|Apdo\.|Casilla|Caixa Postal)\s+"
    r"[\w.'’ -]{0,40}?[\s,]{0,2}(?:(?:N|No|Nro|Nº)?[°º.#]{1,2}\s{0,2})?\d{1,6}\b"
    r"(?:(?: de)? [A-ZÀ-Ý][\w'’]{2,20}(?: [A-ZÀ-Ý][\w'’]{2,20})?,? \d{1,5}\b)?"
    r"(?:,? ?(?:Nos?\.?|Nro\.?|N[°º]|#) ?\d{1,4}[A-Za-z]?)?(?: ?[-–] ?\d{1,5}\b)?"
    r"|\b\d{1,5}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|place|impasse|all[ée]e|chemin|quai|route)(?: (?:(?:de|du"
    r"|des|la|le|les)\b|d['’]\w{1,30}|l['’]\w{1,30}|[A-ZÀ-Ý][\w'’-]{1,30}|\d{1,2})){1,6}"
    r"|\b\d{1,5}[A-Za-z]?,? (?:[A-Z][\w'’]{1,20}\s){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square|Close"
    r"|Way|Crescent|Terrace|Boulevard|Blvd)\b"
)
PLACE_CODE = re.compile(
    r"(?i:\b(?:C\.?P\.?|CEP|P\.?C\.?|ZIP(?: code)?|postcode|c[oó]digo postal|code postal))[ :]{1,2}\d{2}[\d-]{2,7}\b"
)

SECRET_WORD = re.compile(
    r"(?:token|key|sig|signature|auth|code|session|sid|password|passwd|pwd|secret|access|ticket|jwt|otp)[a-z_]{0,12}=",
    re.IGNORECASE,
)
SAID_SECRET = re.compile(
    r"\b(?:password|passwd|contrase(?:ñ|n)a|clave|mot de passe|senha|пароль|token|api[ -]?key|secret"
    r"|(?:pass|pwd|pw)(?=[ ]?[:=]))\b(?: (?:is"
    r"|es|est|é))?[ ]?[:=]?[ ]{0,2}"
    r"[\"“«'`]?([^\s\"”»'`,;]{4,200})",
    re.IGNORECASE,
)
KEY = re.compile(r"(?<![\w/.-])(?=\w{0,100}\d)(?=\w{0,100}[A-Za-z])[A-Za-z0-9_]{24,500}(?![\w-])")
# A part of an address that may be what opens a shared file.
SHARED = re.compile(r"/([\w-]{20,200})(?![\w.-])")
SIGNED = re.compile(r"\beyJ[\w-]{10,2000}\.[\w-]{5,4000}(?:\.[\w-]{5,1000})?")

OCID = re.compile(r"\bocds-[a-z0-9]{6}-[\w./-]{1,80}", re.IGNORECASE)
PREFIX = re.compile(
    r"\bocds-(?!(?:prefix|schema|record|tender|awards|buyers|values|script)\b)[a-z0-9]{6}\b", re.IGNORECASE
)
# Before a number in one piece that is none of a telephone.
OF_PAPER = re.compile(
    r"(?:invoice|receipt|order|code|id|factura|recibo|pedido|c[oó]digo|facture|commande|fatura|n[°ºo]\.?|#)[ :]{0,2}$",
    re.IGNORECASE,
)

# Numbers of a person, by the word before them or by their form.
PERSON_ID = re.compile(
    r"\b(?:passport|passeport|pasaporte|passaporte|c[eé]dula|DNI|CURP|CUIL|CUIT|RUC|RUT|NIT|RFC|CPF|CNPJ|NIF|NIE"
    r"|SSN|NINO|NIN|TIN|PIN|IFU|NINEA|RCCM|IDNO|EDRPOU|C\.I\.|matricule|c[eé]dula de (?:identidad|ciudadan[ií]a)"
    r"|national id|id card|identity card|carte d['’]identit[eé]|n[°º] d['’]identit[eé]|documento de identidad)(?!\w)"
    r"(?: (?:no|number|num|n[°ºo]|de ciudadan[ií]a|de identidad|nacional))?\.?[ :#]{0,3}(?:is |es "
    r"|n[°º]\.? ?)?((?=[\w.-]{0,30}\d)[A-Za-z0-9][\w.-]{3,24}\w)",
    re.IGNORECASE,
)
CPF = re.compile(
    r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)|(?<![\w.])\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}(?!\w)"
    r"|\b[A-Z]{4}\d{6}[HM][A-Z]{5}\w\d\b"
)

_CURRENCY = (
    r"US\$|USD|EUR|GBP|GHS|NGN|KES|MXN|COP|PYG|PEN|ARS|BRL|CLP|XOF|XAF|ZAR|UAH|UGX|TZS|MWK|ZMW|RWF|ETB|MZN|INR|IDR"
    r"|NPR|KGS|GEL|MDL|HNL|GTQ|NIO|CRC|DOP|BOB|UYU|CAD|CHF|R\$|RD\$|C\$|S/\.?|Gs\.?|Bs\.?|[KTU]Sh\.?|F ?CFA|₲|₦|₵|₴|₹"
    r"|\$|€|£|¥"
)
_WORDS_OF_MONEY = (
    r"dollars?|euros?|pounds?|cedis?|naira|shillings?|kwacha|pesos?|soles|guaran[ií]es|reais|d[oó]lares"
    r"|francs?(?: CFA)?|FCFA|hryvnias?|lempiras"
)
_FIGURE = r"\d{1,3}(?:[ .,'\u00a0\u202f]\d{3}){1,6}(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,2})?"
_MANY = (
    r"(?: ?(?:million|billion|thousand|millones|mil millones|mil|millions|milliards?|milh(?:ões|ão)"
    r"|(?:mn|bn|k|M)(?![a-z])))?"
)
AMOUNT = re.compile(
    rf"(?<![\w$€£])(?:{_CURRENCY}) ?(?:{_FIGURE}){_MANY}(?![\w])"
    rf"|(?<![\w.,])(?:{_FIGURE}){_MANY} ?(?:de )?(?:{_CURRENCY}|{_WORDS_OF_MONEY})(?!\w)",
    re.IGNORECASE,
)
# Numbers of contracts, tenders and files, by the word before them.
NUMBER = re.compile(
    r"\b(?:contract|tender|procurement|process|purchase order|lot|file|case|reference|ref|contrato|licitaci[oó]n"
    r"|proceso|expediente|convocatoria"
    r"|pliego|orden de compra|referencia|marché|march[eé]|appel d['’]offres|contrat|dossier|r[eé]f[eé]rence"
    r"|r[eé]f|licita[cç][aã]o|edital|processo|pregão|договор)"
    r"\.?(?: (?:number|no|nr|n[úu]m(?:ero)?|num[eé]ro|n[°ºo]|id|pública|public"
    r"|público))?\.?[ :#]{1,3}(?:N[°º]\.? ?|No\. ?|#)?"
    r"((?=[\w./-]{0,40}\d)[A-Za-z0-9][\w./-]{2,40}\w)",
    re.IGNORECASE,
)
# Bodies by their names: what nobody wrote into the ticket, but tells who asked all the same.
_OF = r"(?:of|for|and|the|de|del|la|las|los|el|y|e|du|des|d['’]|l['’]|da|do|das|dos|à|aux?|et)"
BODY = re.compile(
    r"\b(?:Ministry|Ministries|Office|Agency|Authority|Directorate|Department|Secretariat|Commission"
    r"|Municipality|Council|Board|Bureau|Institute|Treasury|City"
    r"|Ministerio|Secretar[ií]a|Direcci[oó]n|Municipio|Municipalidad|Alcald[ií]a|Gobernaci[oó]n|Gobierno|Agencia"
    r"|Autoridad|Contralor[ií]a|Intendencia|Oficina|Instituto|Ayuntamiento"
    r"|Minist[eè]re|Direction|Autorit[eé]|Agence|Commune|Mairie|Pr[eé]fecture|Conseil|Bureau|Comit[eé]"
    r"|Minist[eé]rio|Secretaria|Prefeitura|Ag[eê]ncia|Controladoria)"
    rf"(?: {_OF}){{1,3}} ?(?:{_NAME})(?: (?:{_OF} ){{0,3}}(?:{_NAME})){{0,5}}"
    rf"|\b(?!The |This |Our |Your |Their )(?:{_NAME} ){{1,3}}(?:Ministry|Municipality|Authority"
    r"|Agency|Commission|Council|County)\b"
)
