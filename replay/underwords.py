"""The texts of the pages about many URLs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnderWords:
    """The texts of one language."""

    counting: str
    counting_help: str
    summary_of: str
    years: str
    year: str
    captures: str
    urls: str
    new_urls: str
    total: str
    types: str
    unknown_type: str
    other_types: str  # {count}
    numbers_of: str
    which: str
    prefix: str
    host: str
    domain: str
    contains: str
    sort: str
    sort_url: str
    sort_captures: str
    sort_uniques: str
    sort_last: str
    sort_first: str
    duplicates: str
    uniques: str
    found: str  # {count}
    found_more: str  # {count}, {most}

    def __getitem__(self, name: str) -> str:
        """A text by its name, as templates ask."""
        found: str = getattr(self, name)
        return found


UNDER_WORDS: dict[str, UnderWords] = {
    "en": UnderWords(
        counting="This is being counted",
        counting_help="There is much under this address. The page reloads by itself when it is done.",
        summary_of="Types by year",
        years="Years",
        year="Year",
        captures="Captures",
        urls="Addresses",
        new_urls="New addresses",
        total="All years",
        types="Media types",
        unknown_type="unknown",
        other_types="{count} other types",
        numbers_of="Numbers of",
        which="Which addresses",
        prefix="beginning with this one",
        host="of this host",
        domain="of this host and those below it",
        contains="Address contains",
        sort="Order by",
        sort_url="address",
        sort_captures="most captures",
        sort_uniques="most different contents",
        sort_last="captured last",
        sort_first="captured first",
        duplicates="Duplicates",
        uniques="Uniques",
        found="Addresses: {count}",
        found_more="Addresses: {count}. In this order the first {most} are listed; narrow down to see others.",
    ),
    "fr": UnderWords(
        counting="Comptage en cours",
        counting_help="Il y a beaucoup sous cette adresse. La page se recharge d’elle-même ensuite.",
        summary_of="Types par année",
        years="Années",
        year="Année",
        captures="Captures",
        urls="Adresses",
        new_urls="Nouvelles adresses",
        total="Toutes les années",
        types="Types de média",
        unknown_type="inconnu",
        other_types="{count} autres types",
        numbers_of="Chiffres pour",
        which="Quelles adresses",
        prefix="commençant par celle-ci",
        host="de cet hôte",
        domain="de cet hôte et de ses sous-domaines",
        contains="L’adresse contient",
        sort="Trier par",
        sort_url="adresse",
        sort_captures="plus de captures",
        sort_uniques="plus de contenus différents",
        sort_last="dernières capturées",
        sort_first="premières capturées",
        duplicates="Doublons",
        uniques="Uniques",
        found="Adresses : {count}",
        found_more="Adresses : {count}. Dans cet ordre, les {most} premières sont listées ; précisez pour voir les autres.",
    ),
    "es": UnderWords(
        counting="Se está contando",
        counting_help="Hay mucho en esta dirección. La página se recarga sola al terminar.",
        summary_of="Tipos por año",
        years="Años",
        year="Año",
        captures="Capturas",
        urls="Direcciones",
        new_urls="Direcciones nuevas",
        total="Todos los años",
        types="Tipos de medios",
        unknown_type="desconocido",
        other_types="otros {count} tipos",
        numbers_of="Números de",
        which="Qué direcciones",
        prefix="que empiezan por esta",
        host="de este servidor",
        domain="de este servidor y sus subdominios",
        contains="La dirección contiene",
        sort="Ordenar por",
        sort_url="dirección",
        sort_captures="más capturas",
        sort_uniques="más contenidos distintos",
        sort_last="capturadas en último lugar",
        sort_first="capturadas en primer lugar",
        duplicates="Duplicados",
        uniques="Únicas",
        found="Direcciones: {count}",
        found_more="Direcciones: {count}. En este orden se listan las primeras {most}; acote para ver otras.",
    ),
    "ar": UnderWords(
        counting="يجري العد",
        counting_help="هناك الكثير تحت هذا العنوان. تُعاد الصفحة تلقائيًا عند الانتهاء.",
        summary_of="الأنواع حسب السنة",
        years="السنوات",
        year="السنة",
        captures="اللقطات",
        urls="العناوين",
        new_urls="عناوين جديدة",
        total="كل السنوات",
        types="أنواع الوسائط",
        unknown_type="غير معروف",
        other_types="أنواع أخرى: {count}",
        numbers_of="أرقام",
        which="أي العناوين",
        prefix="التي تبدأ بهذا العنوان",
        host="على هذا المضيف",
        domain="على هذا المضيف وما تحته",
        contains="العنوان يحتوي",
        sort="الترتيب حسب",
        sort_url="العنوان",
        sort_captures="أكثر اللقطات",
        sort_uniques="أكثر المحتويات المختلفة",
        sort_last="آخر ما التُقط",
        sort_first="أول ما التُقط",
        duplicates="المكررة",
        uniques="الفريدة",
        found="العناوين: {count}",
        found_more="العناوين: {count}. تُسرد أول {most} بهذا الترتيب؛ ضيّق البحث لرؤية غيرها.",
    ),
    "zh": UnderWords(
        counting="正在统计",
        counting_help="此网址下内容很多。完成后页面会自动刷新。",
        summary_of="按年份统计类型",
        years="年份",
        year="年份",
        captures="采集次数",
        urls="网址数",
        new_urls="新网址数",
        total="全部年份",
        types="媒体类型",
        unknown_type="未知",
        other_types="其他 {count} 种类型",
        numbers_of="统计",
        which="网址范围",
        prefix="以此网址开头",
        host="此主机",
        domain="此主机及其子域",
        contains="网址包含",
        sort="排序方式",
        sort_url="网址",
        sort_captures="采集最多",
        sort_uniques="不同内容最多",
        sort_last="最近采集",
        sort_first="最早采集",
        duplicates="重复",
        uniques="不重复",
        found="网址：{count}",
        found_more="网址：{count}。按此排序仅列出前 {most} 个；请缩小范围查看其他。",
    ),
    "ru": UnderWords(
        counting="Идёт подсчёт",
        counting_help="Под этим адресом много всего. Когда подсчёт закончится, страница обновится сама.",
        summary_of="Типы по годам",
        years="Годы",
        year="Год",
        captures="Копии",
        urls="Адреса",
        new_urls="Новые адреса",
        total="Все годы",
        types="Типы данных",
        unknown_type="неизвестно",
        other_types="другие типы: {count}",
        numbers_of="Числа",
        which="Какие адреса",
        prefix="начинающиеся с этого",
        host="на этом узле",
        domain="на этом узле и ниже него",
        contains="Адрес содержит",
        sort="Сортировать по",
        sort_url="адресу",
        sort_captures="числу копий",
        sort_uniques="числу разных содержаний",
        sort_last="последним копиям",
        sort_first="первым копиям",
        duplicates="Повторы",
        uniques="Разные",
        found="Адресов: {count}",
        found_more="Адресов: {count}. В этом порядке показаны первые {most}; уточните, чтобы увидеть другие.",
    ),
}
