"""The texts that the pages around a URL share, and those of its calendar and list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AroundWords:
    """The texts of one language."""

    around: str
    calendar: str
    list: str
    changes: str
    addresses: str
    summary: str
    feed: str
    captured_between: str  # {count}, {first}, {last}
    captured_on: str  # {count}, {first}
    marks: str
    status_2: str
    status_3: str
    status_4: str
    status_5: str
    status_0: str
    larger_is_more: str
    all_of_day: str  # {count}
    status: str
    type: str
    content: str
    any: str
    changed: str
    unchanged: str
    since: str
    until: str
    date_help: str
    order: str
    oldest_first: str
    newest_first: str
    page: str
    image: str
    video: str
    audio: str
    document: str
    data: str
    script: str
    style: str
    font: str
    other: str
    show: str
    next: str
    beginning: str
    no_match: str
    looked_at: str  # {count}
    all_filtered: str
    first_of_period: str  # {count}

    def __getitem__(self, name: str) -> str:
        """A text by its name, as templates ask."""
        found: str = getattr(self, name)
        return found


AROUND_WORDS: dict[str, AroundWords] = {
    "en": AroundWords(
        around="Around this address",
        calendar="Calendar",
        list="List",
        changes="Changes",
        addresses="Addresses below",
        summary="Summary",
        feed="Feed of changes",
        captured_between="Captures: {count}, between {first} and {last}.",
        captured_on="Captures: {count}, on {first}.",
        marks="What the marks mean",
        status_2="the page (2xx)",
        status_3="sent elsewhere (3xx)",
        status_4="not found or refused (4xx)",
        status_5="the server failed (5xx)",
        status_0="another status",
        larger_is_more="The larger a mark, the more captures on that day.",
        all_of_day="All captures of this day: {count}",
        status="Status",
        type="Type",
        content="Content",
        any="any",
        changed="changed",
        unchanged="unchanged",
        since="From",
        until="To",
        date_help="A year, month or day: 2016, 2016-08 or 2016-08-10",
        order="Order",
        oldest_first="oldest first",
        newest_first="newest first",
        page="pages",
        image="images",
        video="video",
        audio="audio",
        document="documents",
        data="data",
        script="scripts",
        style="style sheets",
        font="fonts",
        other="others",
        show="Show",
        next="Next",
        beginning="From the beginning",
        no_match="Nothing matches.",
        looked_at="{count} were looked at so far, and there are more: “Next” looks on.",
        all_filtered="All captures, with filters",
        first_of_period="The first {count} are shown here.",
    ),
    "fr": AroundWords(
        around="Autour de cette adresse",
        calendar="Calendrier",
        list="Liste",
        changes="Modifications",
        addresses="Adresses en dessous",
        summary="Résumé",
        feed="Flux des modifications",
        captured_between="Captures : {count}, entre le {first} et le {last}.",
        captured_on="Captures : {count}, le {first}.",
        marks="Ce que signifient les marques",
        status_2="la page (2xx)",
        status_3="renvoi ailleurs (3xx)",
        status_4="introuvable ou refusée (4xx)",
        status_5="erreur du serveur (5xx)",
        status_0="autre statut",
        larger_is_more="Plus la marque est grande, plus il y a de captures ce jour-là.",
        all_of_day="Toutes les captures de ce jour : {count}",
        status="Statut",
        type="Type",
        content="Contenu",
        any="tous",
        changed="modifié",
        unchanged="inchangé",
        since="Du",
        until="Au",
        date_help="Une année, un mois ou un jour : 2016, 2016-08 ou 2016-08-10",
        order="Ordre",
        oldest_first="les plus anciennes d’abord",
        newest_first="les plus récentes d’abord",
        page="pages",
        image="images",
        video="vidéo",
        audio="audio",
        document="documents",
        data="données",
        script="scripts",
        style="feuilles de style",
        font="polices",
        other="autres",
        show="Afficher",
        next="Suivant",
        beginning="Depuis le début",
        no_match="Rien ne correspond.",
        looked_at="{count} ont été examinées jusqu’ici, et il y en a d’autres : « Suivant » continue.",
        all_filtered="Toutes les captures, avec filtres",
        first_of_period="Les {count} premières sont affichées ici.",
    ),
    "es": AroundWords(
        around="En torno a esta dirección",
        calendar="Calendario",
        list="Lista",
        changes="Cambios",
        addresses="Direcciones por debajo",
        summary="Resumen",
        feed="Canal de cambios",
        captured_between="Capturas: {count}, entre el {first} y el {last}.",
        captured_on="Capturas: {count}, el {first}.",
        marks="Qué significan las marcas",
        status_2="la página (2xx)",
        status_3="remitida a otro lugar (3xx)",
        status_4="no encontrada o denegada (4xx)",
        status_5="error del servidor (5xx)",
        status_0="otro estado",
        larger_is_more="Cuanto mayor es la marca, más capturas hay ese día.",
        all_of_day="Todas las capturas de este día: {count}",
        status="Estado",
        type="Tipo",
        content="Contenido",
        any="cualquiera",
        changed="modificado",
        unchanged="sin cambios",
        since="Desde",
        until="Hasta",
        date_help="Un año, mes o día: 2016, 2016-08 o 2016-08-10",
        order="Orden",
        oldest_first="las más antiguas primero",
        newest_first="las más recientes primero",
        page="páginas",
        image="imágenes",
        video="vídeo",
        audio="audio",
        document="documentos",
        data="datos",
        script="scripts",
        style="hojas de estilo",
        font="fuentes",
        other="otros",
        show="Mostrar",
        next="Siguiente",
        beginning="Desde el principio",
        no_match="Nada coincide.",
        looked_at="Se han examinado {count} hasta ahora y hay más: «Siguiente» continúa.",
        all_filtered="Todas las capturas, con filtros",
        first_of_period="Aquí se muestran las primeras {count}.",
    ),
    "ar": AroundWords(
        around="حول هذا العنوان",
        calendar="التقويم",
        list="القائمة",
        changes="التغييرات",
        addresses="العناوين الفرعية",
        summary="الملخص",
        feed="موجز التغييرات",
        captured_between="عدد اللقطات: {count}، بين {first} و{last}.",
        captured_on="عدد اللقطات: {count}، في {first}.",
        marks="معاني العلامات",
        status_2="الصفحة (2xx)",
        status_3="محوَّلة إلى مكان آخر (3xx)",
        status_4="غير موجودة أو مرفوضة (4xx)",
        status_5="خطأ في الخادم (5xx)",
        status_0="حالة أخرى",
        larger_is_more="كلما كبرت العلامة زادت لقطات ذلك اليوم.",
        all_of_day="كل لقطات هذا اليوم: {count}",
        status="الحالة",
        type="النوع",
        content="المحتوى",
        any="الكل",
        changed="متغير",
        unchanged="دون تغيير",
        since="من",
        until="إلى",
        date_help="سنة أو شهر أو يوم: 2016 أو 2016-08 أو 2016-08-10",
        order="الترتيب",
        oldest_first="الأقدم أولًا",
        newest_first="الأحدث أولًا",
        page="صفحات",
        image="صور",
        video="فيديو",
        audio="صوت",
        document="مستندات",
        data="بيانات",
        script="برمجيات",
        style="أوراق أنماط",
        font="خطوط",
        other="أخرى",
        show="عرض",
        next="التالي",
        beginning="من البداية",
        no_match="لا يوجد ما يطابق.",
        looked_at="فُحص {count} حتى الآن، وهناك المزيد: «التالي» يواصل البحث.",
        all_filtered="كل اللقطات مع المرشحات",
        first_of_period="تُعرض هنا أول {count}.",
    ),
    "zh": AroundWords(
        around="关于此网址",
        calendar="日历",
        list="列表",
        changes="变化",
        addresses="下级网址",
        summary="概要",
        feed="变化订阅",
        captured_between="采集次数：{count}，从{first}到{last}。",
        captured_on="采集次数：{count}，于{first}。",
        marks="标记说明",
        status_2="页面（2xx）",
        status_3="重定向（3xx）",
        status_4="未找到或被拒绝（4xx）",
        status_5="服务器错误（5xx）",
        status_0="其他状态",
        larger_is_more="标记越大，当日采集次数越多。",
        all_of_day="当日全部采集：{count}",
        status="状态",
        type="类型",
        content="内容",
        any="全部",
        changed="有变化",
        unchanged="无变化",
        since="从",
        until="到",
        date_help="年、月或日：2016、2016-08 或 2016-08-10",
        order="排序",
        oldest_first="由旧到新",
        newest_first="由新到旧",
        page="网页",
        image="图片",
        video="视频",
        audio="音频",
        document="文档",
        data="数据",
        script="脚本",
        style="样式表",
        font="字体",
        other="其他",
        show="显示",
        next="下一页",
        beginning="从头开始",
        no_match="没有符合条件的内容。",
        looked_at="目前已查看 {count} 条，还有更多：点“下一页”继续。",
        all_filtered="全部采集（可筛选）",
        first_of_period="此处显示前 {count} 条。",
    ),
    "ru": AroundWords(
        around="Об этом адресе",
        calendar="Календарь",
        list="Список",
        changes="Изменения",
        addresses="Адреса ниже",
        summary="Сводка",
        feed="Лента изменений",
        captured_between="Копий: {count}, с {first} по {last}.",
        captured_on="Копий: {count}, {first}.",
        marks="Что означают знаки",
        status_2="страница (2xx)",
        status_3="перенаправление (3xx)",
        status_4="не найдено или отказано (4xx)",
        status_5="ошибка сервера (5xx)",
        status_0="другой статус",
        larger_is_more="Чем больше знак, тем больше копий в этот день.",
        all_of_day="Все копии за этот день: {count}",
        status="Статус",
        type="Тип",
        content="Содержание",
        any="любой",
        changed="изменено",
        unchanged="без изменений",
        since="С",
        until="По",
        date_help="Год, месяц или день: 2016, 2016-08 или 2016-08-10",
        order="Порядок",
        oldest_first="сначала старые",
        newest_first="сначала новые",
        page="страницы",
        image="изображения",
        video="видео",
        audio="аудио",
        document="документы",
        data="данные",
        script="скрипты",
        style="таблицы стилей",
        font="шрифты",
        other="прочее",
        show="Показать",
        next="Далее",
        beginning="С начала",
        no_match="Ничего не подходит.",
        looked_at="Пока просмотрено {count}, есть ещё: «Далее» ищет дальше.",
        all_filtered="Все копии с фильтрами",
        first_of_period="Здесь показаны первые {count}.",
    ),
}
