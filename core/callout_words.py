"""Callouts of all documentation tools: how each is shown here, and what it is called in the language of the article.

Not in the catalogues of the interface: an article may be in a language that the interface does not have.
"""

#: Name of a callout -> the class that it is shown with.
CLASSES = {
    **dict.fromkeys(("note", "info", "abstract", "summary", "tldr", "todo", "example", "quote", "cite"), "note"),
    **dict.fromkeys(("tip", "success", "check", "done", "question", "help", "faq"), "tip"),
    **dict.fromkeys(("failure", "fail", "missing", "bug"), "danger"),
    **dict.fromkeys(("versionadded", "versionchanged"), "note"),
    **dict.fromkeys(("deprecated", "versionremoved"), "warning"),
    "hint": "hint", "warning": "warning", "danger": "danger", "important": "important", "caution": "caution",
    "attention": "attention", "error": "error", "seealso": "seealso",
}  # fmt: skip

#: Names that mean the same as another one, where only the title is asked for.
_SAME = {
    "tldr": "summary", "check": "success", "done": "success", "help": "question", "faq": "question", "fail": "failure",
    "missing": "failure", "cite": "quote",
}  # fmt: skip

_TITLES = {
    "en": {
        "note": "Note", "info": "Info", "abstract": "Abstract", "summary": "Summary", "todo": "To do",
        "example": "Example", "quote": "Quote", "tip": "Tip", "hint": "Hint", "success": "Success",
        "question": "Question", "failure": "Failure", "bug": "Bug", "warning": "Warning", "danger": "Danger",
        "important": "Important", "caution": "Caution", "attention": "Attention", "error": "Error",
        "seealso": "See also", "versionadded": "New in version", "versionchanged": "Changed in version",
        "deprecated": "Deprecated since version", "versionremoved": "Removed in version",
    },
    "es": {
        "note": "Nota", "info": "Información", "abstract": "Resumen", "summary": "Resumen", "todo": "Por hacer",
        "example": "Ejemplo", "quote": "Cita", "tip": "Consejo", "hint": "Pista", "success": "Correcto",
        "question": "Pregunta", "failure": "Fallo", "bug": "Defecto", "warning": "Advertencia", "danger": "Peligro",
        "important": "Importante", "caution": "Precaución", "attention": "Atención", "error": "Error",
        "seealso": "Véase también", "versionadded": "Nuevo en la versión", "versionchanged": "Cambiado en la versión",
        "deprecated": "Obsoleto desde la versión", "versionremoved": "Retirado en la versión",
    },
    "fr": {
        "note": "Note", "info": "Information", "abstract": "Résumé", "summary": "Résumé", "todo": "À faire",
        "example": "Exemple", "quote": "Citation", "tip": "Conseil", "hint": "Indication", "success": "Réussi",
        "question": "Question", "failure": "Échec", "bug": "Défaut", "warning": "Avertissement", "danger": "Danger",
        "important": "Important", "caution": "Prudence", "attention": "Attention", "error": "Erreur",
        "seealso": "Voir aussi", "versionadded": "Nouveau dans la version",
        "versionchanged": "Modifié dans la version", "deprecated": "Obsolète depuis la version",
        "versionremoved": "Supprimé dans la version",
    },
    "pt": {
        "note": "Nota", "info": "Informação", "abstract": "Resumo", "summary": "Resumo", "todo": "Por fazer",
        "example": "Exemplo", "quote": "Citação", "tip": "Dica", "hint": "Sugestão", "success": "Sucesso",
        "question": "Pergunta", "failure": "Falha", "bug": "Defeito", "warning": "Aviso", "danger": "Perigo",
        "important": "Importante", "caution": "Cuidado", "attention": "Atenção", "error": "Erro",
        "seealso": "Ver também", "versionadded": "Novo na versão", "versionchanged": "Alterado na versão",
        "deprecated": "Obsoleto desde a versão", "versionremoved": "Removido na versão",
    },
    "ru": {
        "note": "Примечание", "info": "Информация", "abstract": "Аннотация", "summary": "Кратко",
        "todo": "Предстоит сделать", "example": "Пример", "quote": "Цитата", "tip": "Совет", "hint": "Подсказка",
        "success": "Успешно", "question": "Вопрос", "failure": "Сбой", "bug": "Ошибка в программе",
        "warning": "Предупреждение", "danger": "Опасно", "important": "Важно", "caution": "Осторожно",
        "attention": "Внимание", "error": "Ошибка", "seealso": "См. также", "versionadded": "Новое в версии",
        "versionchanged": "Изменено в версии", "deprecated": "Устарело с версии", "versionremoved": "Удалено в версии",
    },
}  # fmt: skip


def title(name: str, language: str = "en") -> str:
    """What a callout is called in a language; in English where the language is not known here."""
    words = _TITLES.get(language.partition("-")[0].lower(), _TITLES["en"])
    name = _SAME.get(name, name)
    return words.get(name) or name.replace("-", " ").capitalize()
