"""The reader's languages: texts, dates, direction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_datetime

#: Languages of the banner and the reader's pages.
LANGUAGES = ("en", "fr", "es", "ar", "zh", "ru")

_RIGHT_TO_LEFT = frozenset({"ar"})


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language. `sentence` is the banner; its markers are filled by `replay.banner`."""

    sentence: str
    sentence_all: str
    hide: str
    show: str
    label: str
    media: str
    previous: str
    close: str
    next: str
    nobody: str
    stands_in: str
    more: str
    earlier: str
    later: str
    about: str
    download: str


WORDS: dict[str, Words] = {
    "en": Words(
        "You are viewing an archived web page, collected at the request of {organisation} using {instance}. This page was "
        "captured on {time}, and is part of the {collection} collection. The information on this web page may be out of "
        "date. See {versions} of this archived page.|All versions",
        "You are viewing an archived web page, collected at the request of {organisation} using {instance}. This page was "
        "captured on {time}. The information on this web page may be out of date. See {versions} of this archived page."
        "|All versions",
        "hide", "Archived page", "About this archived page", "Audio and video on this page", "Previous", "Close", "Next",
        "the keepers of this archive",
        "{url} is not held as it was asked for; this is the capture most like it.",
        "more", "Earlier capture", "Later capture", "About this capture", "Download",
    ),
    "fr": Words(
        "Vous consultez une page web archivée, collectée à la demande de {organisation} avec {instance}. Cette page a été "
        "capturée le {time} et fait partie de la collection {collection}. Les informations de cette page peuvent ne plus "
        "être à jour. Voir {versions} de cette page archivée.|toutes les versions",
        "Vous consultez une page web archivée, collectée à la demande de {organisation} avec {instance}. Cette page a été "
        "capturée le {time}. Les informations de cette page peuvent ne plus être à jour. Voir {versions} de cette page "
        "archivée.|toutes les versions",
        "masquer", "Page archivée", "À propos de cette page archivée", "Audio et vidéo de cette page", "Précédent",
        "Fermer", "Suivant", "les responsables de ces archives",
        "{url} n’est pas conservée telle que demandée ; voici la capture la plus ressemblante.",
        "plus", "Capture précédente", "Capture suivante", "À propos de cette capture", "Télécharger",
    ),
    "es": Words(
        "Está viendo una página web archivada, recopilada a petición de {organisation} mediante {instance}. Esta página se "
        "capturó el {time} y forma parte de la colección {collection}. La información de esta página puede no estar "
        "actualizada. Vea {versions} de esta página archivada.|todas las versiones",
        "Está viendo una página web archivada, recopilada a petición de {organisation} mediante {instance}. Esta página se "
        "capturó el {time}. La información de esta página puede no estar actualizada. Vea {versions} de esta página "
        "archivada.|todas las versiones",
        "ocultar", "Página archivada", "Acerca de esta página archivada", "Audio y vídeo de esta página", "Anterior",
        "Cerrar", "Siguiente", "los responsables de este archivo",
        "{url} no se conserva tal como se pidió; esta es la captura más parecida.",
        "más", "Captura anterior", "Captura posterior", "Acerca de esta captura", "Descargar",
    ),
    "ar": Words(
        "أنت تشاهد صفحة ويب مؤرشفة، جُمعت بطلب من {organisation} باستخدام {instance}. التُقطت هذه الصفحة في {time}، وهي جزء "
        "من مجموعة {collection}. قد تكون المعلومات الواردة في هذه الصفحة قديمة. انظر {versions} من هذه الصفحة المؤرشفة."
        "|جميع النسخ",
        "أنت تشاهد صفحة ويب مؤرشفة، جُمعت بطلب من {organisation} باستخدام {instance}. التُقطت هذه الصفحة في {time}. قد تكون "
        "المعلومات الواردة في هذه الصفحة قديمة. انظر {versions} من هذه الصفحة المؤرشفة.|جميع النسخ",
        "إخفاء", "صفحة مؤرشفة", "حول هذه الصفحة المؤرشفة", "الصوت والفيديو في هذه الصفحة", "السابق", "إغلاق", "التالي",
        "القائمين على هذا الأرشيف", "العنوان {url} غير محفوظ كما طُلب؛ هذه أقرب لقطة شبهًا به.",
        "المزيد", "اللقطة السابقة", "اللقطة التالية", "حول هذه اللقطة", "تنزيل",
    ),
    "zh": Words(
        "您正在查看一个存档网页，该网页应{organisation}的要求使用{instance}采集。本页采集于{time}，属于“{collection}”专题。"
        "网页上的信息可能已经过时。请参阅此存档网页的{versions}。|所有版本",
        "您正在查看一个存档网页，该网页应{organisation}的要求使用{instance}采集。本页采集于{time}。"
        "网页上的信息可能已经过时。请参阅此存档网页的{versions}。|所有版本",
        "隐藏", "存档网页", "关于此存档网页", "此页的音频和视频", "上一个", "关闭", "下一个", "本档案馆的管理者",
        "档案馆没有与请求完全相同的{url}；这是最接近的采集。",
        "更多", "较早的采集", "较晚的采集", "关于此次采集", "下载",
    ),
    "ru": Words(
        "Вы просматриваете архивную веб-страницу, собранную по запросу {organisation} с помощью {instance}. Страница "
        "сохранена {time} и входит в коллекцию {collection}. Сведения на этой странице могли устареть. См. {versions} этой "
        "архивной страницы.|все версии",
        "Вы просматриваете архивную веб-страницу, собранную по запросу {organisation} с помощью {instance}. Страница "
        "сохранена {time}. Сведения на этой странице могли устареть. См. {versions} этой архивной страницы.|все версии",
        "скрыть", "Архивная страница", "Об этой архивной странице", "Аудио и видео на этой странице", "Назад", "Закрыть",
        "Вперёд", "хранителей этого архива",
        "Адреса {url} в том виде, в каком он запрошен, в архиве нет; это самая похожая копия.",
        "ещё", "Более ранняя копия", "Более поздняя копия", "Об этой копии", "Скачать",
    ),
}  # fmt: skip


def preferred(accepted: Iterable[tuple[str, float]]) -> str:
    """The language of ours that comes first in Accept-Language.

    Args:
        accepted: tags and weights, the best first.
    """
    for tag, weight in accepted:
        language = tag.partition("-")[0].lower()
        if weight > 0 and language in LANGUAGES:  # "fr-CA" reads French, whatever the region
            return language
    return "en"


def direction(language: str) -> str:
    """ "rtl" or "ltr"."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def long_time(moment: datetime, language: str) -> str:
    """A capture's time (UTC) as the banner says it; in English the form of Archive-It, "20:46:23 Aug 10, 2016"."""
    if language == "en":
        return f"{moment:%H:%M:%S} {_MONTHS[moment.month - 1]} {moment:%d, %Y}"
    if language == "zh":
        return format_datetime(moment.replace(tzinfo=None), "y年M月d日 HH:mm:ss", locale=language)
    comma = "،" if language == "ar" else ","
    return format_datetime(moment.replace(tzinfo=None), f"d MMMM y{comma} HH:mm:ss", locale=language)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
