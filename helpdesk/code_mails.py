# ruff: noqa: E501 # Lists of words are read more easily on long lines.
"""Mails by which some service proves that an address can be read: codes, confirmations, resets, invitations.

Whoever can read such a mail owns the address. Sent to the address of a helpdesk and shown to whoever asked in that
ticket, it would let a stranger pass for the organisation ("ticket trick"), so only staff ever see it. Pure.
"""

import re

from core.mime import ParsedMail

MOST_READ = 6000

# What such a mail calls its code, in the languages of the world; in lower case, longest reach first where it matters.
_CODE_WORDS = (
    r"(?:verification|security|confirmation|authentication|authorization|access|login|log-in|sign-?in|one[- ]?time|"
    r"activation|registration|signup|sign-?up|recovery|reset|temporary|two[- ]factor|2fa|otp|single[- ]use) "
    r"?(?:pass)?(?:code|word|pin)|(?:pass|pin)code|\botp\b|your \w{0,20} ?code|"
    r"c[oó]digo(?: \w+){0,2} de (?:un solo uso|verificaci[oó]n|seguridad|confirmaci[oó]n|acceso|activaci[oó]n|"
    r"inicio|autenticaci[oó]n|verifica[cç][aã]o|seguran[cç]a|confirma[cç][aã]o|acesso|ativa[cç][aã]o|autentica[cç][aã]o|"
    r"recuperaci[oó]n|recupera[cç][aã]o)|(?:tu|su|seu|o seu) c[oó]digo|contrase[nñ]a (?:temporal|provisional|de un solo uso)|"
    r"senha (?:tempor[aá]ria|de uso [uú]nico)|"
    r"code (?:\w+ ){0,2}(?:de |d['’])(?:v[eé]rification|s[eé]curit[eé]|confirmation|acc[eè]s|connexion|activation|"
    r"authentification|validation)|code [aà] usage unique|(?:votre|ton) code|mot de passe (?:temporaire|provisoire|[aà] usage unique)|"
    r"(?:best[aä]tigungs|verifizierungs|sicherheits|anmelde|aktivierungs|zugangs|einmal)-?(?:code|kennwort|passwort|pin)|ihr code|"
    r"codice di (?:verifica|sicurezza|conferma|accesso|attivazione)|il tuo codice|"
    r"(?:verificatie|bevestigings|beveiligings|toegangs)-?code|je code|uw code|"
    r"kod (?:weryfikacyjny|potwierdzaj|zabezpiecz|aktywacyjny|dost[eę]pu)|tw[oó]j kod|"
    r"код\w* (?:подтвержден|проверк|безопасн|доступ|активац|підтвердж|перевірк|безпек|для вход|для вх)|(?:ваш|твой|твій) код|"
    r"(?:проверочн|одноразов)\w+ (?:код|парол)|одноразовий (?:код|пароль)|"
    r"(?:رمز|كود) (?:التحقق|التأكيد|الأمان|الدخول|التفعيل|المرور لمرة)|رمزك|"
    r"do[gğ]rulama kodu|onay kodu|g[uü]venlik kodu|kode (?:verifikasi|keamanan|otp|konfirmasi)|m[aã] x[aá]c (?:nh[aậ]n|minh|th[uự]c)|"
    r"验证码|驗證碼|校验码|动态码|確認コード|認証コード|検証コード|인증 ?(?:번호|코드)|확인 코드"
)  # fmt: skip
# What asks for a click that proves the address, or brings a secret: strong only where it begins the subject or where
# no person writes.
_CLICK_WORDS = (
    r"(?:verify|confirm|activate|validate) (?:your|this|the|that) (?:\w+ ){0,3}(?:e-?mail|account|address|identity|registration|sign-?up|log-?in|sign-?in|device|subscription|phone|it(?:’|')?s you)|verification (?:e-?mail|link|required)|e-?mail (?:verification|confirmation)|"
    r"(?:reset|recover|change|set|create|forgot\w*)(?: up)? (?:your |the |my |a )?(?:new )?password|password (?:reset|recovery|change)|"
    r"account (?:verification|activation|confirmation|recovery)|(?:magic|sign-?in|log-?in|login) link|(?:complete|finish) your (?:registration|sign-?up)|"
    r"(?:has |have |you(?:'|’)?(?:ve| have| are|re)(?: been)? )invited|invit(?:ation|es you|ed you) to|join (?:your |the |our )?(?:\w+ ){0,3}(?:team|workspace|organi[sz]ation|project) (?:on|at|in)|"
    r"(?:verifi(?:ca|que)|confirm(?:a|e|ar)|activ(?:a|e|ar)|valid(?:a|e)) (?:tu|su|el|la|seu|sua|o|a) (?:correo|direcci[oó]n|cuenta|e-?mail|conta|endere[cç]o)|"
    r"(?:restablec\w+|recuper\w+|cambi\w+|cre\w+|redefin\w+|alter\w+) (?:de )?(?:tu|su|la|el|sua|a)? ?(?:nueva )?(?:contrase[nñ]a|senha|clave)|"
    r"te ha(?:n)? invitado|le ha(?:n)? invitado|invitaci[oó]n (?:a|para)|convidou voc[eê]|convite para|"
    r"(?:v[eé]rifi(?:ez|er)|confirm(?:ez|er)|activ(?:ez|er)|valid(?:ez|er)) (?:votre|ton|l['’]) ?(?:adresse|compte|e-?mail|courriel|inscription)|"
    r"r[eé]initialis\w+ (?:de |du |votre |ton )?(?:votre |ton )?mot de passe|mot de passe oubli[eé]|vous (?:a|ont) invit[eé]|invitation [aà] (?:rejoindre|vous)|"
    r"(?:best[aä]tigen|verifizieren|aktivieren) sie (?:ihre?|die)|passwort (?:zur[uü]cksetzen|vergessen)|hat (?:sie|dich) eingeladen|"
    r"(?:verifica|conferma|attiva) (?:il tuo|la tua|l['’])|reimposta(?:re|zione)? (?:la |della )?(?:tua )?password|"
    r"(?:подтвердите|подтверждение|активируйте|підтвердьте|підтвердження|активуйте) |(?:сброс|восстановлени|відновлення|скидання)\w* парол|пригла(?:шает|сил|шение)|запро(?:шує|сив|шення)|"
    r"(?:تأكيد|تفعيل|التحقق من) (?:بريدك|البريد|حساب|عنوان)|إعادة تعيين كلمة|"
    r"(?:potwierd[zź]|zweryfikuj|aktywuj) |(?:resetowanie|zresetuj) has[lł]|(?:e-?posta|hesab)\w* do[gğ]rula|[sş]ifre(?:ni|nizi)? s[iı]f[iı]rla|"
    r"验证您的|重置密码|確認してください|パスワード(?:の)?(?:再設定|リセット)|비밀번호 (?:재설정|초기화)"
)  # fmt: skip
_CODE = re.compile(_CODE_WORDS)
_CLICK = re.compile(_CLICK_WORDS)
# A code: digits, also grouped, or letters and digits mixed; alone enough to be told from a year or an amount.
_TOKEN = re.compile(
    r"(?<![\w.,/:@#-])(?!(?:19|20)\d\d(?!\d))(?:\d{4,9}|\d{3}[ -]\d{3,4}|\d{2} \d{2} \d{2}|(?=[A-Z0-9-]*\d)[A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8}){0,3}|"
    r"[A-Z]{1,3}-\d{4,8})(?![\w@/:]|[.,]\d)"
)
_LINK = re.compile(r"https?://[^\s<>\"]{8,}")
_MACHINE = re.compile(
    r"^(?:(?:.*[._+-])?(?:no-?reply|do-?not-?reply|noresponder|no-?responder|ne-?pas-?repondre|nepasrepondre|naoresponda|nao-?responda|"
    r"noreply\w*|notifications?|notify|accounts?|account-security\w*|security|verify|verification|verif\w*|confirm\w*|auth\w*|login|signup|"
    r"register|registration|activation|mailer|invitations?|invites?|otp|id|hello|team|welcome|support|feedback|info)(?:[._+-].*)?)@"
)
_NEAR = 100


def is_machine_address(address: str) -> bool:
    """Whether an address looks like one from which services write, not people."""
    return _MACHINE.match(address.lower()) is not None


def is_code_mail(parsed: ParsedMail) -> bool:
    """Whether a mail may carry a proof of who owns an address: a code near words that announce one, whoever sends it;
    or a link to confirm, reset or join, where the subject says so or where it comes from the kind of address that
    services write from.
    """
    subject = _plain(parsed.subject[:500])
    text = _plain(parsed.text[:MOST_READ])
    if _has_code(subject) or _has_code(text) or (_CODE.search(subject.lower()) and _TOKEN.search(text)):
        return True
    if not _LINK.search(text) and not _LINK.search(parsed.html[: 5 * MOST_READ]):
        return False
    from_machine = is_machine_address(parsed.from_.email) if parsed.from_ else False
    asks = _CLICK.search(subject.lower()) or _CODE.search(subject.lower())
    is_answer = bool(parsed.in_reply_to or parsed.references or subject.lower().startswith(("re:", "aw:", "rv:")))
    return bool((asks and not is_answer) or (from_machine and (asks or _CLICK.search(text.lower()))))


def _has_code(text: str) -> bool:
    low = text.lower()
    return any(
        _TOKEN.search(text[max(0, found.start() - _NEAR) : found.end() + _NEAR]) for found in _CODE.finditer(low)
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
