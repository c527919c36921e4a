"""The texts of the search page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchWords:
    """The texts of one language."""

    search: str
    search_in: str  # {collection}
    help: str
    found: str  # {count}
    found_more: str  # {count}
    nothing: str  # {question}
    nothing_help: str
    captured: str  # {count}, {first}, {last}
    captured_once: str  # {time}
    other_versions: str
    narrow: str
    site: str
    year: str
    type: str
    collection: str
    without: str  # {filter}
    previous: str
    next: str
    page: str  # {number}, {count}
    as_address: str  # {url}


SEARCH_WORDS: dict[str, SearchWords] = {
    "en": SearchWords(
        search="Search",
        search_in="Search in {collection}",
        help='Words, "a phrase", -without, begin*, this OR that, title:word, site:example.org, year:2016',
        found="Pages found: {count}",
        found_more="Pages found: {count}, and there are more. Say more to see others.",
        nothing="No archived page has “{question}” in its text.",
        nothing_help="Try fewer words, or the beginning of a word with an asterisk.",
        captured="Captured {count} times between {first} and {last}",
        captured_once="Captured {time}",
        other_versions="Other versions with these words",
        narrow="Narrow down",
        site="Site",
        year="Year",
        type="Type",
        collection="Collection",
        without="Without “{filter}”",
        previous="Previous",
        next="Next",
        page="Page {number} of {count}",
        as_address="See the versions of {url}",
    ),
    "fr": SearchWords(
        search="Rechercher",
        search_in="Rechercher dans {collection}",
        help='Mots, "une expression", -sans, début*, ceci OR cela, title:mot, site:example.org, year:2016',
        found="Pages trouvées : {count}",
        found_more="Pages trouvées : {count}, et il y en a d’autres. Précisez la recherche pour les voir.",
        nothing="Aucune page archivée ne contient « {question} ».",
        nothing_help="Essayez avec moins de mots, ou le début d’un mot suivi d’un astérisque.",
        captured="Capturée {count} fois entre le {first} et le {last}",
        captured_once="Capturée le {time}",
        other_versions="Autres versions contenant ces mots",
        narrow="Affiner",
        site="Site",
        year="Année",
        type="Type",
        collection="Collection",
        without="Sans « {filter} »",
        previous="Précédente",
        next="Suivante",
        page="Page {number} sur {count}",
        as_address="Voir les versions de {url}",
    ),
    "es": SearchWords(
        search="Buscar",
        search_in="Buscar en {collection}",
        help='Palabras, "una frase", -sin, comienzo*, esto OR aquello, title:palabra, site:example.org, year:2016',
        found="Páginas encontradas: {count}",
        found_more="Páginas encontradas: {count}, y hay más. Precise la búsqueda para verlas.",
        nothing="Ninguna página archivada contiene «{question}».",
        nothing_help="Pruebe con menos palabras, o con el comienzo de una palabra y un asterisco.",
        captured="Capturada {count} veces entre el {first} y el {last}",
        captured_once="Capturada el {time}",
        other_versions="Otras versiones con estas palabras",
        narrow="Acotar",
        site="Sitio",
        year="Año",
        type="Tipo",
        collection="Colección",
        without="Sin «{filter}»",
        previous="Anterior",
        next="Siguiente",
        page="Página {number} de {count}",
        as_address="Ver las versiones de {url}",
    ),
    "ar": SearchWords(
        search="بحث",
        search_in="البحث في {collection}",
        help='كلمات، "عبارة"، ‎-دون، بداية*، هذا OR ذاك، title:كلمة، site:example.org، year:2016',
        found="الصفحات التي عُثر عليها: {count}",
        found_more="الصفحات التي عُثر عليها: {count}، وهناك المزيد. حدِّد البحث أكثر لرؤيتها.",
        nothing="لا توجد صفحة مؤرشفة فيها «{question}».",
        nothing_help="جرِّب كلمات أقل، أو بداية كلمة متبوعة بنجمة.",
        captured="عدد اللقطات {count} بين {first} و{last}",
        captured_once="التُقطت في {time}",
        other_versions="نسخ أخرى فيها هذه الكلمات",
        narrow="تضييق النتائج",
        site="الموقع",
        year="السنة",
        type="النوع",
        collection="المجموعة",
        without="دون «{filter}»",
        previous="السابق",
        next="التالي",
        page="صفحة {number} من {count}",
        as_address="انظر نسخ {url}",
    ),
    "zh": SearchWords(
        search="搜索",
        search_in="在“{collection}”中搜索",
        help='词语、"短语"、-排除、词首*、甲 OR 乙、title:标题、site:example.org、year:2016',
        found="找到网页：{count}",
        found_more="找到网页：{count}，还有更多。请输入更多词语以缩小范围。",
        nothing="没有存档网页包含“{question}”。",
        nothing_help="请减少词语，或输入词首加星号。",
        captured="在{first}至{last}之间采集 {count} 次",
        captured_once="采集于{time}",
        other_versions="包含这些词语的其他版本",
        narrow="缩小范围",
        site="网站",
        year="年份",
        type="类型",
        collection="专题",
        without="取消“{filter}”",
        previous="上一页",
        next="下一页",
        page="第 {number} 页，共 {count} 页",
        as_address="查看{url}的版本",
    ),
    "ru": SearchWords(
        search="Искать",
        search_in="Поиск в коллекции {collection}",
        help='Слова, "фраза", -исключить, начало*, это OR то, title:слово, site:example.org, year:2016',
        found="Найдено страниц: {count}",
        found_more="Найдено страниц: {count}, и это не все. Уточните запрос, чтобы увидеть другие.",
        nothing="Ни одна архивная страница не содержит «{question}».",
        nothing_help="Попробуйте меньше слов или начало слова со звёздочкой.",
        captured="Сохранено копий: {count}, с {first} по {last}",
        captured_once="Сохранено {time}",
        other_versions="Другие версии с этими словами",
        narrow="Уточнить",
        site="Сайт",
        year="Год",
        type="Тип",
        collection="Коллекция",
        without="Без «{filter}»",
        previous="Назад",
        next="Далее",
        page="Страница {number} из {count}",
        as_address="Посмотреть версии {url}",
    ),
}
