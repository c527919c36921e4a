"""The texts of the pages of collections and organisations, and of search in descriptions and addresses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PortalWords:
    """The texts of one language. `fields`: the elements of Dublin Core in their order, and what else lists are chosen by."""

    collections_of: str  # {organisation}
    no_collections: str
    nothing_public: str
    sort: str
    orders: dict[str, str]
    narrow: str
    more: str  # {count}
    without: str  # {choice}
    archived_since: str
    last_capture: str
    captures: str
    addresses: str
    seeds: str
    seeds_of: str  # {count}, {all}
    captured: str  # {count}, {first}, {last}
    captured_that_day: str  # {count}, {first}
    captured_once: str  # {first}
    captured_never: str
    about: str
    website: str
    feed: str
    feed_text: str  # {url}
    newest: str
    kinds: str
    in_text: str
    in_descriptions: str
    in_addresses: str
    search_help: str
    descriptions_found: str  # {count}
    no_description: str  # {question}
    addresses_found: str  # {count}
    addresses_more: str  # {count}
    all_addresses: str  # {prefix}
    no_address: str  # {question}
    also: str
    a_collection: str
    a_seed: str
    a_document: str
    previous: str
    next: str
    page: str  # {number}, {count}
    fields: dict[str, str]


#: Elements of Dublin Core, then "group", "topic" and "organisation".
_FIELDS = (
    "title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "format", "identifier", "source",
    "language", "relation", "coverage", "rights", "group", "topic", "organisation",
)  # fmt: skip
_ORDERS = ("", "title", "-title", "url", "-url", "-added", "-last", "-captures")


def _fields(*names: str) -> dict[str, str]:
    return dict(zip(_FIELDS, names, strict=True))


def _orders(*names: str) -> dict[str, str]:
    return dict(zip(_ORDERS, names, strict=True))


PORTAL_WORDS: dict[str, PortalWords] = {
    "en": PortalWords(
        collections_of="Collections of {organisation}",
        no_collections="No collection is like that.",
        nothing_public="There is no public content available for this collection yet.",
        sort="Sort by",
        orders=_orders(
            "the archive’s order", "title, A–Z", "title, Z–A", "address, A–Z", "address, Z–A", "newest in the list",
            "last capture", "number of captures",
        ),
        narrow="Narrow down",
        more="More: {count}",
        without="Without “{choice}”",
        archived_since="Archived since",
        last_capture="Last capture",
        captures="Captures",
        addresses="Addresses",
        seeds="Sites and pages",
        seeds_of="{count} of {all}",
        captured="Captured {count} times between {first} and {last}",
        captured_that_day="Captured {count} times on {first}",
        captured_once="Captured once, on {first}",
        captured_never="No capture to show",
        about="About this collection",
        website="Website",
        feed="Feed of new captures",
        feed_text="A new capture of {url}",
        newest="Latest captures",
        kinds="Where to search",
        in_text="Text of pages",
        in_descriptions="Descriptions",
        in_addresses="Addresses",
        search_help="Words that pages, descriptions or addresses have, or the address of a page",
        descriptions_found="Descriptions found: {count}",
        no_description="No description has “{question}”.",
        addresses_found="Addresses found: {count}",
        addresses_more="The first {count} addresses",
        all_addresses="All addresses under {prefix}",
        no_address="No archived address is like “{question}”.",
        also="Found elsewhere",
        a_collection="Collection",
        a_seed="Site or page",
        a_document="Document",
        previous="Previous",
        next="Next",
        page="Page {number} of {count}",
        fields=_fields(
            "Title", "Creator", "Subject", "Description", "Publisher", "Contributor", "Date", "Type", "Format", "Identifier",
            "Source", "Language", "Relation", "Coverage", "Rights", "Group", "Topic", "Organisation",
        ),
    ),
    "fr": PortalWords(
        collections_of="Collections de {organisation}",
        no_collections="Aucune collection ne correspond.",
        nothing_public="Cette collection n’a pas encore de contenu public.",
        sort="Trier par",
        orders=_orders(
            "ordre des archives", "titre, A–Z", "titre, Z–A", "adresse, A–Z", "adresse, Z–A", "ajout récent",
            "dernière capture", "nombre de captures",
        ),
        narrow="Affiner",
        more="Autres : {count}",
        without="Sans « {choice} »",
        archived_since="Archivée depuis",
        last_capture="Dernière capture",
        captures="Captures",
        addresses="Adresses",
        seeds="Sites et pages",
        seeds_of="{count} sur {all}",
        captured="Capturé {count} fois entre le {first} et le {last}",
        captured_that_day="Capturé {count} fois le {first}",
        captured_once="Capturé une fois, le {first}",
        captured_never="Aucune capture à voir",
        about="À propos de cette collection",
        website="Site web",
        feed="Fil des nouvelles captures",
        feed_text="Nouvelle capture de {url}",
        newest="Dernières captures",
        kinds="Où chercher",
        in_text="Texte des pages",
        in_descriptions="Descriptions",
        in_addresses="Adresses",
        search_help="Des mots des pages, des descriptions ou des adresses, ou l’adresse d’une page",
        descriptions_found="Descriptions trouvées : {count}",
        no_description="Aucune description ne contient « {question} ».",
        addresses_found="Adresses trouvées : {count}",
        addresses_more="Les {count} premières adresses",
        all_addresses="Toutes les adresses sous {prefix}",
        no_address="Aucune adresse archivée ne ressemble à « {question} ».",
        also="Trouvé ailleurs",
        a_collection="Collection",
        a_seed="Site ou page",
        a_document="Document",
        previous="Précédente",
        next="Suivante",
        page="Page {number} sur {count}",
        fields=_fields(
            "Titre", "Créateur", "Sujet", "Description", "Éditeur", "Contributeur", "Date", "Type", "Format", "Identifiant",
            "Source", "Langue", "Relation", "Couverture", "Droits", "Groupe", "Thème", "Organisation",
        ),
    ),
    "es": PortalWords(
        collections_of="Colecciones de {organisation}",
        no_collections="Ninguna colección es así.",
        nothing_public="Esta colección todavía no tiene contenido público.",
        sort="Ordenar por",
        orders=_orders(
            "orden del archivo", "título, A–Z", "título, Z–A", "dirección, A–Z", "dirección, Z–A", "añadidos recientes",
            "última captura", "número de capturas",
        ),
        narrow="Acotar",
        more="Más: {count}",
        without="Sin «{choice}»",
        archived_since="Archivada desde",
        last_capture="Última captura",
        captures="Capturas",
        addresses="Direcciones",
        seeds="Sitios y páginas",
        seeds_of="{count} de {all}",
        captured="Capturado {count} veces entre el {first} y el {last}",
        captured_that_day="Capturado {count} veces el {first}",
        captured_once="Capturado una vez, el {first}",
        captured_never="No hay capturas visibles",
        about="Acerca de esta colección",
        website="Sitio web",
        feed="Canal de nuevas capturas",
        feed_text="Nueva captura de {url}",
        newest="Últimas capturas",
        kinds="Dónde buscar",
        in_text="Texto de las páginas",
        in_descriptions="Descripciones",
        in_addresses="Direcciones",
        search_help="Palabras de páginas, descripciones o direcciones, o la dirección de una página",
        descriptions_found="Descripciones encontradas: {count}",
        no_description="Ninguna descripción contiene «{question}».",
        addresses_found="Direcciones encontradas: {count}",
        addresses_more="Las primeras {count} direcciones",
        all_addresses="Todas las direcciones bajo {prefix}",
        no_address="Ninguna dirección archivada se parece a «{question}».",
        also="Encontrado en otra parte",
        a_collection="Colección",
        a_seed="Sitio o página",
        a_document="Documento",
        previous="Anterior",
        next="Siguiente",
        page="Página {number} de {count}",
        fields=_fields(
            "Título", "Creador", "Materia", "Descripción", "Editor", "Colaborador", "Fecha", "Tipo", "Formato", "Identificador",
            "Fuente", "Idioma", "Relación", "Cobertura", "Derechos", "Grupo", "Tema", "Organización",
        ),
    ),
    "ar": PortalWords(
        collections_of="مجموعات {organisation}",
        no_collections="لا توجد مجموعة بهذه الصفة.",
        nothing_public="لا يوجد بعدُ محتوى متاح للجمهور في هذه المجموعة.",
        sort="الترتيب حسب",
        orders=_orders(
            "ترتيب الأرشيف", "العنوان، من الألف إلى الياء", "العنوان، من الياء إلى الألف", "عنوان الويب، تصاعديًا",
            "عنوان الويب، تنازليًا", "الأحدث إضافة", "آخر لقطة", "عدد اللقطات",
        ),
        narrow="تضييق النتائج",
        more="المزيد: {count}",
        without="دون «{choice}»",
        archived_since="مؤرشفة منذ",
        last_capture="آخر لقطة",
        captures="اللقطات",
        addresses="عناوين الويب",
        seeds="المواقع والصفحات",
        seeds_of="{count} من {all}",
        captured="عدد اللقطات {count} بين {first} و{last}",
        captured_that_day="عدد اللقطات {count} في {first}",
        captured_once="لقطة واحدة في {first}",
        captured_never="لا توجد لقطة يمكن عرضها",
        about="عن هذه المجموعة",
        website="موقع الويب",
        feed="خلاصة اللقطات الجديدة",
        feed_text="لقطة جديدة من {url}",
        newest="أحدث اللقطات",
        kinds="مكان البحث",
        in_text="نصوص الصفحات",
        in_descriptions="الأوصاف",
        in_addresses="عناوين الويب",
        search_help="كلمات من الصفحات أو الأوصاف أو العناوين، أو عنوان صفحة",
        descriptions_found="الأوصاف التي عُثر عليها: {count}",
        no_description="لا يوجد وصف فيه «{question}».",
        addresses_found="العناوين التي عُثر عليها: {count}",
        addresses_more="أول {count} من العناوين",
        all_addresses="كل العناوين تحت {prefix}",
        no_address="لا يوجد عنوان مؤرشف يشبه «{question}».",
        also="عُثر عليه في مكان آخر",
        a_collection="مجموعة",
        a_seed="موقع أو صفحة",
        a_document="وثيقة",
        previous="السابق",
        next="التالي",
        page="صفحة {number} من {count}",
        fields=_fields(
            "العنوان", "المنشئ", "الموضوع", "الوصف", "الناشر", "المساهم", "التاريخ", "النوع", "الشكل", "المعرّف", "المصدر",
            "اللغة", "العلاقة", "التغطية", "الحقوق", "الفئة", "المحور", "المؤسسة",
        ),
    ),
    "zh": PortalWords(
        collections_of="{organisation}的专题",
        no_collections="没有符合条件的专题。",
        nothing_public="本专题尚无公开内容。",
        sort="排序",
        orders=_orders("馆定顺序", "标题升序", "标题降序", "网址升序", "网址降序", "最新加入", "最近采集", "采集次数"),
        narrow="缩小范围",
        more="更多：{count}",
        without="取消“{choice}”",
        archived_since="存档始于",
        last_capture="最近采集",
        captures="采集次数",
        addresses="网址数",
        seeds="网站和网页",
        seeds_of="{count} / 共 {all} 个",
        captured="在{first}至{last}之间采集 {count} 次",
        captured_that_day="在{first}采集 {count} 次",
        captured_once="采集一次，{first}",
        captured_never="没有可查看的采集",
        about="关于本专题",
        website="网站",
        feed="新采集订阅",
        feed_text="{url}的新采集",
        newest="最新采集",
        kinds="搜索位置",
        in_text="网页正文",
        in_descriptions="著录信息",
        in_addresses="网址",
        search_help="网页、著录信息或网址中的词语，或一个网页的网址",
        descriptions_found="找到著录信息：{count}",
        no_description="没有著录信息包含“{question}”。",
        addresses_found="找到网址：{count}",
        addresses_more="前 {count} 个网址",
        all_addresses="{prefix}下的所有网址",
        no_address="没有与“{question}”相似的存档网址。",
        also="其他结果",
        a_collection="专题",
        a_seed="网站或网页",
        a_document="文档",
        previous="上一页",
        next="下一页",
        page="第 {number} 页，共 {count} 页",
        fields=_fields(
            "题名", "创建者", "主题", "描述", "出版者", "其他责任者", "日期", "类型", "格式", "标识符", "来源", "语种", "关联",
            "覆盖范围", "权限", "分组", "专题领域", "机构",
        ),
    ),
    "ru": PortalWords(
        collections_of="Коллекции: {organisation}",
        no_collections="Таких коллекций нет.",
        nothing_public="В этой коллекции пока нет общедоступных материалов.",
        sort="Сортировка",
        orders=_orders(
            "порядок архива", "по названию, А–Я", "по названию, Я–А", "по адресу, А–Я", "по адресу, Я–А", "сначала новые",
            "по последней копии", "по числу копий",
        ),
        narrow="Уточнить",
        more="Ещё: {count}",
        without="Без «{choice}»",
        archived_since="Сохраняется с",
        last_capture="Последняя копия",
        captures="Копии",
        addresses="Адреса",
        seeds="Сайты и страницы",
        seeds_of="{count} из {all}",
        captured="Сохранено копий: {count}, с {first} по {last}",
        captured_that_day="Сохранено копий: {count}, {first}",
        captured_once="Сохранено один раз, {first}",
        captured_never="Нет копий, которые можно посмотреть",
        about="О коллекции",
        website="Сайт",
        feed="Лента новых копий",
        feed_text="Новая копия {url}",
        newest="Последние копии",
        kinds="Где искать",
        in_text="Тексты страниц",
        in_descriptions="Описания",
        in_addresses="Адреса",
        search_help="Слова из страниц, описаний или адресов либо адрес страницы",
        descriptions_found="Найдено описаний: {count}",
        no_description="Ни в одном описании нет «{question}».",
        addresses_found="Найдено адресов: {count}",
        addresses_more="Первые {count} адресов",
        all_addresses="Все адреса, начинающиеся с {prefix}",
        no_address="Нет сохранённых адресов, похожих на «{question}».",
        also="Найдено в другом месте",
        a_collection="Коллекция",
        a_seed="Сайт или страница",
        a_document="Документ",
        previous="Назад",
        next="Далее",
        page="Страница {number} из {count}",
        fields=_fields(
            "Название", "Создатель", "Тема", "Описание", "Издатель", "Соавтор", "Дата", "Тип", "Формат", "Идентификатор",
            "Источник", "Язык", "Связь", "Охват", "Права", "Группа", "Рубрика", "Организация",
        ),
    ),
}  # fmt: skip
