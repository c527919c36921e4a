"""The texts of the pages, and feeds, about what changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChangeWords:
    """The texts of one language."""

    compare: str
    compare_before: str
    two_versions: str
    compare_chosen: str
    older: str
    newer: str
    version: str
    how_much: str
    text_same: str
    first_version: str
    not_text: str
    stayed: str  # {count}, {time}
    changes_help: str
    added: str
    removed: str
    lines_added: str  # {count}
    lines_removed: str  # {count}
    lines_same: str  # {count}
    texts_same: str
    bytes_same: str
    no_text: str  # {type}
    lines_cut: str  # {count}
    nothing_to_compare: str
    other_pair: str
    changes_of: str  # {url}
    changes_under: str  # {url}
    changed_since: str  # {time}
    first_capture: str

    def __getitem__(self, name: str) -> str:
        """A text by its name, as templates ask."""
        found: str = getattr(self, name)
        return found


CHANGE_WORDS: dict[str, ChangeWords] = {
    "en": ChangeWords(
        compare="Compare",
        compare_before="Compare with the one before",
        two_versions="Two versions of",
        compare_chosen="Compare the two chosen versions",
        older="Older",
        newer="Newer",
        version="Version",
        how_much="How much of the text changed",
        text_same="same text, other bytes",
        first_version="first version",
        not_text="not text",
        stayed="Captured {count} times like this, last on {time}",
        changes_help="Each line is a version: captures whose content stayed the same count as one.",
        added="Added",
        removed="Removed",
        lines_added="Lines added or changed: {count}",
        lines_removed="Lines removed or changed: {count}",
        lines_same="Lines that stayed the same: {count}",
        texts_same="The texts of both versions are the same.",
        bytes_same="Both versions are the same, byte for byte.",
        no_text="One of the two is no text that can be read ({type}), so there is nothing to put side by side. Open "
        "them one after the other.",
        lines_cut="The texts are long: only their first {count} lines are compared.",
        nothing_to_compare="There is no other version to compare this one with.",
        other_pair="Choose other versions",
        changes_of="Changes of {url}",
        changes_under="Changes under {url}",
        changed_since="Changed since {time}",
        first_capture="First capture",
    ),
    "fr": ChangeWords(
        compare="Comparer",
        compare_before="Comparer à la précédente",
        two_versions="Deux versions de",
        compare_chosen="Comparer les deux versions choisies",
        older="Plus ancienne",
        newer="Plus récente",
        version="Version",
        how_much="Part du texte modifiée",
        text_same="même texte, autres octets",
        first_version="première version",
        not_text="pas du texte",
        stayed="Capturée {count} fois ainsi, la dernière le {time}",
        changes_help="Chaque ligne est une version : les captures au contenu inchangé comptent pour une.",
        added="Ajouté",
        removed="Supprimé",
        lines_added="Lignes ajoutées ou modifiées : {count}",
        lines_removed="Lignes supprimées ou modifiées : {count}",
        lines_same="Lignes restées identiques : {count}",
        texts_same="Les textes des deux versions sont identiques.",
        bytes_same="Les deux versions sont identiques, octet par octet.",
        no_text="L’une des deux n’est pas un texte lisible ({type}) : rien à mettre côte à côte. Ouvrez-les l’une "
        "après l’autre.",
        lines_cut="Les textes sont longs : seules leurs {count} premières lignes sont comparées.",
        nothing_to_compare="Il n’y a pas d’autre version à laquelle comparer celle-ci.",
        other_pair="Choisir d’autres versions",
        changes_of="Modifications de {url}",
        changes_under="Modifications sous {url}",
        changed_since="Modifiée depuis le {time}",
        first_capture="Première capture",
    ),
    "es": ChangeWords(
        compare="Comparar",
        compare_before="Comparar con la anterior",
        two_versions="Dos versiones de",
        compare_chosen="Comparar las dos versiones elegidas",
        older="Anterior",
        newer="Posterior",
        version="Versión",
        how_much="Cuánto texto cambió",
        text_same="mismo texto, otros bytes",
        first_version="primera versión",
        not_text="no es texto",
        stayed="Capturada {count} veces así, la última el {time}",
        changes_help="Cada línea es una versión: las capturas con el mismo contenido cuentan como una.",
        added="Añadido",
        removed="Eliminado",
        lines_added="Líneas añadidas o modificadas: {count}",
        lines_removed="Líneas eliminadas o modificadas: {count}",
        lines_same="Líneas que siguen igual: {count}",
        texts_same="Los textos de ambas versiones son iguales.",
        bytes_same="Ambas versiones son idénticas, byte a byte.",
        no_text="Una de las dos no es texto legible ({type}), así que no hay nada que poner en paralelo. Ábralas una "
        "tras otra.",
        lines_cut="Los textos son largos: solo se comparan sus primeras {count} líneas.",
        nothing_to_compare="No hay otra versión con la que comparar esta.",
        other_pair="Elegir otras versiones",
        changes_of="Cambios de {url}",
        changes_under="Cambios bajo {url}",
        changed_since="Ha cambiado desde el {time}",
        first_capture="Primera captura",
    ),
    "ar": ChangeWords(
        compare="مقارنة",
        compare_before="مقارنة بالسابقة",
        two_versions="نسختان من",
        compare_chosen="مقارنة النسختين المختارتين",
        older="الأقدم",
        newer="الأحدث",
        version="النسخة",
        how_much="مقدار ما تغير من النص",
        text_same="النص نفسه ببايتات مختلفة",
        first_version="أول نسخة",
        not_text="ليس نصًا",
        stayed="التُقطت هكذا {count} مرات، آخرها {time}",
        changes_help="كل سطر نسخة: اللقطات التي لم يتغير محتواها تُعد واحدة.",
        added="مضاف",
        removed="محذوف",
        lines_added="أسطر مضافة أو معدلة: {count}",
        lines_removed="أسطر محذوفة أو معدلة: {count}",
        lines_same="أسطر بقيت كما هي: {count}",
        texts_same="نصا النسختين متطابقان.",
        bytes_same="النسختان متطابقتان بايتًا ببايت.",
        no_text="إحدى النسختين ليست نصًا يمكن قراءته ({type})، فلا شيء يوضع جنبًا إلى جنب. افتحهما واحدة تلو الأخرى.",
        lines_cut="النصان طويلان: تُقارن أول {count} سطر فقط.",
        nothing_to_compare="لا توجد نسخة أخرى لمقارنتها بهذه.",
        other_pair="اختيار نسخ أخرى",
        changes_of="تغييرات {url}",
        changes_under="التغييرات تحت {url}",
        changed_since="تغيرت منذ {time}",
        first_capture="أول لقطة",
    ),
    "zh": ChangeWords(
        compare="比较",
        compare_before="与上一版比较",
        two_versions="两个版本：",
        compare_chosen="比较所选的两个版本",
        older="较旧",
        newer="较新",
        version="版本",
        how_much="文本变化程度",
        text_same="文本相同，字节不同",
        first_version="首个版本",
        not_text="非文本",
        stayed="以此内容采集 {count} 次，最后一次：{time}",
        changes_help="每行为一个版本：内容未变的多次采集算作一个。",
        added="新增",
        removed="删除",
        lines_added="新增或修改的行：{count}",
        lines_removed="删除或修改的行：{count}",
        lines_same="未变的行：{count}",
        texts_same="两个版本的文本相同。",
        bytes_same="两个版本逐字节相同。",
        no_text="其中一个不是可读文本（{type}），无法并排比较。请分别打开。",
        lines_cut="文本很长：仅比较前 {count} 行。",
        nothing_to_compare="没有可供比较的其他版本。",
        other_pair="选择其他版本",
        changes_of="{url} 的变化",
        changes_under="{url} 下的变化",
        changed_since="自 {time} 以来有变化",
        first_capture="首次采集",
    ),
    "ru": ChangeWords(
        compare="Сравнить",
        compare_before="Сравнить с предыдущей",
        two_versions="Две версии",
        compare_chosen="Сравнить две выбранные версии",
        older="Старая",
        newer="Новая",
        version="Версия",
        how_much="Сколько текста изменилось",
        text_same="текст тот же, байты другие",
        first_version="первая версия",
        not_text="не текст",
        stayed="Сохранено в таком виде {count} раз, последний — {time}",
        changes_help="Каждая строка — версия: копии с тем же содержанием считаются одной.",
        added="Добавлено",
        removed="Удалено",
        lines_added="Строк добавлено или изменено: {count}",
        lines_removed="Строк удалено или изменено: {count}",
        lines_same="Строк без изменений: {count}",
        texts_same="Тексты обеих версий одинаковы.",
        bytes_same="Обе версии совпадают байт в байт.",
        no_text="Одна из двух — не текст, который можно прочесть ({type}), сравнивать рядом нечего. Откройте их по очереди.",
        lines_cut="Тексты длинные: сравниваются только первые {count} строк.",
        nothing_to_compare="Нет другой версии, с которой можно сравнить эту.",
        other_pair="Выбрать другие версии",
        changes_of="Изменения {url}",
        changes_under="Изменения под {url}",
        changed_since="Изменено с {time}",
        first_capture="Первая копия",
    ),
}
