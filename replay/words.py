"""The texts of the reader's pages, one class with every text, so that a language that lacks one does not type-check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageWords:
    """The texts of one language."""

    skip: str
    collections: str
    all_collections: str
    collected_by: str
    addresses: str
    captures: str
    for_programs: str
    nothing_yet: str
    no_collection: str
    pages: str
    versions_of: str
    times_are_utc: str
    all_under: str
    by_year: str
    captures_of: str  # {period}
    first_shown: str  # {count}
    time: str
    status: str
    type: str
    stored: str
    content: str
    unchanged: str
    new: str
    none_in_period: str
    addresses_under: str
    address: str
    first: str
    last: str
    nothing_under: str
    not_archived: str
    not_in_archive: str
    cannot_be_shown: str
    repeats: str  # {url}, {time}
    archived_nearby: str
    capture_it: str
    how_to_capture: str
    archived_page: str
    not_shown: str
    why_not_shown: str
    withdrawn: str
    why_withdrawn: str


PAGE_WORDS: dict[str, PageWords] = {
    "en": PageWords(
        skip="Skip to content",
        collections="Collections",
        all_collections="All collections",
        collected_by="Collected by",
        addresses="Addresses",
        captures="Captures",
        for_programs="For programs",
        nothing_yet="Nothing captured yet.",
        no_collection="No public collection yet.",
        pages="Pages",
        versions_of="Versions of",
        times_are_utc="Times are UTC.",
        all_under="All addresses under this one",
        by_year="Captures by year",
        captures_of="Captures of {period}",
        first_shown="The first {count} are shown. Choose a day in the calendar to see the others.",
        time="Time",
        status="Status",
        type="Type",
        stored="Stored",
        content="Content",
        unchanged="unchanged",
        new="new",
        none_in_period="No capture in this period.",
        addresses_under="Addresses under",
        address="Address",
        first="First",
        last="Last",
        nothing_under="Nothing is archived under this address.",
        not_archived="Not archived",
        not_in_archive="This page is not in the archive",
        cannot_be_shown="Captures of it that cannot be shown",
        repeats="What was captured is the same as at {url} on {time}, which this archive does not hold.",
        archived_nearby="Archived under the same address",
        capture_it="Capture it now",
        how_to_capture="In the workbench, or with this command:",
        archived_page="Archived page",
        not_shown="This page may not be shown",
        why_not_shown="The keepers of this archive hold it, and may not or do not show it here.",
        withdrawn="This page was withdrawn",
        why_withdrawn="It was taken out of this archive.",
    ),
    "fr": PageWords(
        skip="Aller au contenu",
        collections="Collections",
        all_collections="Toutes les collections",
        collected_by="Collectée par",
        addresses="Adresses",
        captures="Captures",
        for_programs="Pour les programmes",
        nothing_yet="Aucune capture pour le moment.",
        no_collection="Aucune collection publique pour le moment.",
        pages="Pages",
        versions_of="Versions de",
        times_are_utc="Les heures sont en UTC.",
        all_under="Toutes les adresses sous celle-ci",
        by_year="Captures par année",
        captures_of="Captures : {period}",
        first_shown="Les {count} premières sont affichées. Choisissez un jour dans le calendrier pour voir les autres.",
        time="Heure",
        status="Statut",
        type="Type",
        stored="Taille stockée",
        content="Contenu",
        unchanged="inchangé",
        new="nouveau",
        none_in_period="Aucune capture dans cette période.",
        addresses_under="Adresses sous",
        address="Adresse",
        first="Première",
        last="Dernière",
        nothing_under="Rien n’est archivé sous cette adresse.",
        not_archived="Non archivée",
        not_in_archive="Cette page n’est pas dans les archives",
        cannot_be_shown="Captures qui ne peuvent pas être affichées",
        repeats="Ce qui a été capturé est identique à {url}, {time}, que ces archives ne conservent pas.",
        archived_nearby="Archivé sous la même adresse",
        capture_it="La capturer maintenant",
        how_to_capture="Dans l’atelier, ou avec cette commande :",
        archived_page="Page archivée",
        not_shown="Cette page ne peut pas être affichée",
        why_not_shown="Les responsables de ces archives la conservent, mais ne peuvent ou ne veulent pas l’afficher ici.",
        withdrawn="Cette page a été retirée",
        why_withdrawn="Elle a été supprimée de ces archives.",
    ),
    "es": PageWords(
        skip="Ir al contenido",
        collections="Colecciones",
        all_collections="Todas las colecciones",
        collected_by="Recopilada por",
        addresses="Direcciones",
        captures="Capturas",
        for_programs="Para programas",
        nothing_yet="Todavía no hay capturas.",
        no_collection="Todavía no hay colecciones públicas.",
        pages="Páginas",
        versions_of="Versiones de",
        times_are_utc="Las horas son UTC.",
        all_under="Todas las direcciones bajo esta",
        by_year="Capturas por año",
        captures_of="Capturas: {period}",
        first_shown="Se muestran las primeras {count}. Elija un día en el calendario para ver las demás.",
        time="Hora",
        status="Estado",
        type="Tipo",
        stored="Almacenado",
        content="Contenido",
        unchanged="sin cambios",
        new="nuevo",
        none_in_period="No hay capturas en este período.",
        addresses_under="Direcciones bajo",
        address="Dirección",
        first="Primera",
        last="Última",
        nothing_under="No hay nada archivado bajo esta dirección.",
        not_archived="No archivada",
        not_in_archive="Esta página no está en el archivo",
        cannot_be_shown="Capturas que no se pueden mostrar",
        repeats="Lo capturado es idéntico a {url}, {time}, que este archivo no conserva.",
        archived_nearby="Archivado bajo la misma dirección",
        capture_it="Capturarla ahora",
        how_to_capture="En el taller, o con esta orden:",
        archived_page="Página archivada",
        not_shown="Esta página no se puede mostrar",
        why_not_shown="Los responsables de este archivo la conservan, pero no pueden o no quieren mostrarla aquí.",
        withdrawn="Esta página fue retirada",
        why_withdrawn="Se ha eliminado de este archivo.",
    ),
    "ar": PageWords(
        skip="انتقل إلى المحتوى",
        collections="المجموعات",
        all_collections="جميع المجموعات",
        collected_by="جمعتها",
        addresses="العناوين",
        captures="اللقطات",
        for_programs="للبرامج",
        nothing_yet="لا توجد لقطات بعد.",
        no_collection="لا توجد مجموعة عامة بعد.",
        pages="الصفحات",
        versions_of="نسخ",
        times_are_utc="الأوقات بالتوقيت العالمي المنسق.",
        all_under="جميع العناوين المندرجة تحت هذا العنوان",
        by_year="اللقطات حسب السنة",
        captures_of="لقطات {period}",
        first_shown="تظهر أول {count} لقطة. اختر يومًا من التقويم لرؤية غيرها.",
        time="الوقت",
        status="الحالة",
        type="النوع",
        stored="الحجم المخزَّن",
        content="المحتوى",
        unchanged="دون تغيير",
        new="جديد",
        none_in_period="لا توجد لقطة في هذه الفترة.",
        addresses_under="العناوين المندرجة تحت",
        address="العنوان",
        first="الأولى",
        last="الأخيرة",
        nothing_under="لا شيء مؤرشف تحت هذا العنوان.",
        not_archived="غير مؤرشفة",
        not_in_archive="هذه الصفحة ليست في الأرشيف",
        cannot_be_shown="لقطات منها لا يمكن عرضها",
        repeats="ما التُقط مطابق لما في {url} بتاريخ {time}، وهو غير محفوظ في هذا الأرشيف.",
        archived_nearby="مؤرشف تحت العنوان نفسه",
        capture_it="التقطها الآن",
        how_to_capture="في ورشة العمل، أو بهذا الأمر:",
        archived_page="صفحة مؤرشفة",
        not_shown="لا يمكن عرض هذه الصفحة",
        why_not_shown="القائمون على هذا الأرشيف يحتفظون بها، لكن لا يجوز لهم عرضها هنا أو لا يعرضونها.",
        withdrawn="سُحبت هذه الصفحة",
        why_withdrawn="أُزيلت من هذا الأرشيف.",
    ),
    "zh": PageWords(
        skip="跳到正文",
        collections="专题",
        all_collections="所有专题",
        collected_by="采集机构：",
        addresses="网址",
        captures="采集",
        for_programs="供程序使用",
        nothing_yet="尚无采集。",
        no_collection="尚无公开专题。",
        pages="网页",
        versions_of="版本：",
        times_are_utc="时间均为协调世界时（UTC）。",
        all_under="此网址下的所有网址",
        by_year="按年份的采集数",
        captures_of="采集：{period}",
        first_shown="显示前 {count} 条。请在日历中选择一天以查看其余部分。",
        time="时间",
        status="状态",
        type="类型",
        stored="存储大小",
        content="内容",
        unchanged="未变",
        new="新",
        none_in_period="此期间没有采集。",
        addresses_under="以下网址之下：",
        address="网址",
        first="首次",
        last="最近",
        nothing_under="此网址下没有存档。",
        not_archived="未存档",
        not_in_archive="此网页不在档案馆中",
        cannot_be_shown="无法显示的采集",
        repeats="所采集的内容与{url}在{time}的内容相同，而本档案馆没有保存后者。",
        archived_nearby="同一网址下的存档",
        capture_it="立即采集",
        how_to_capture="在工作台中，或使用以下命令：",
        archived_page="存档网页",
        not_shown="此网页不可显示",
        why_not_shown="本档案馆的管理者保存了它，但不能或不愿在此显示。",
        withdrawn="此网页已撤回",
        why_withdrawn="它已从本档案馆中移除。",
    ),
    "ru": PageWords(
        skip="К содержанию",
        collections="Коллекции",
        all_collections="Все коллекции",
        collected_by="Собрано:",
        addresses="Адреса",
        captures="Копии",
        for_programs="Для программ",
        nothing_yet="Пока ничего не сохранено.",
        no_collection="Открытых коллекций пока нет.",
        pages="Страницы",
        versions_of="Версии",
        times_are_utc="Время всемирное (UTC).",
        all_under="Все адреса внутри этого",
        by_year="Копии по годам",
        captures_of="Копии: {period}",
        first_shown="Показаны первые {count}. Выберите день в календаре, чтобы увидеть остальные.",
        time="Время",
        status="Статус",
        type="Тип",
        stored="Размер",
        content="Содержание",
        unchanged="без изменений",
        new="новое",
        none_in_period="За этот период копий нет.",
        addresses_under="Адреса внутри",
        address="Адрес",
        first="Первая",
        last="Последняя",
        nothing_under="Внутри этого адреса ничего не сохранено.",
        not_archived="Не сохранено",
        not_in_archive="Этой страницы нет в архиве",
        cannot_be_shown="Копии, которые нельзя показать",
        repeats="Сохранено то же, что и по адресу {url} {time}, а той копии в этом архиве нет.",
        archived_nearby="Сохранено внутри того же адреса",
        capture_it="Сохранить сейчас",
        how_to_capture="На рабочем столе архивиста или этой командой:",
        archived_page="Архивная страница",
        not_shown="Эту страницу показывать нельзя",
        why_not_shown="Хранители этого архива держат её, но не могут или не хотят показывать её здесь.",
        withdrawn="Эта страница отозвана",
        why_withdrawn="Она изъята из этого архива.",
    ),
}
