"""The texts about pictures of pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureWords:
    """The texts of one language."""

    picture: str
    picture_of: str  # {time}
    pictures: str
    thumbnail: str
    view: str
    full: str
    taken: str  # {time}
    differs: str  # {share}
    looks_same: str
    not_compared: str
    difference: str
    difference_help: str
    lay_over: str
    slider: str

    def __getitem__(self, name: str) -> str:
        """A text by its name, as templates ask."""
        found: str = getattr(self, name)
        return found


PICTURE_WORDS: dict[str, PictureWords] = {
    "en": PictureWords(
        picture="Picture",
        picture_of="Picture of the page, {time}",
        pictures="How the page looked",
        thumbnail="Small picture",
        view="Top of the page",
        full="Whole page",
        taken="Picture taken {time} (UTC)",
        differs="{share} of the picture differs",
        looks_same="The pictures are the same.",
        not_compared="These pictures cannot be compared point by point.",
        difference="What differs",
        difference_help="Where the pictures differ, coloured; the rest is pale.",
        lay_over="Lay one over the other",
        slider="Left of the line: the older version; right of it: the newer",
    ),
    "fr": PictureWords(
        picture="Image",
        picture_of="Image de la page, {time}",
        pictures="L’aspect de la page",
        thumbnail="Petite image",
        view="Haut de la page",
        full="Page entière",
        taken="Image prise le {time} (UTC)",
        differs="{share} de l’image diffère",
        looks_same="Les images sont identiques.",
        not_compared="Ces images ne peuvent pas être comparées point par point.",
        difference="Ce qui diffère",
        difference_help="En couleur, là où les images diffèrent ; le reste est pâle.",
        lay_over="Superposer les deux",
        slider="À gauche du trait : l’ancienne version ; à droite : la plus récente",
    ),
    "es": PictureWords(
        picture="Imagen",
        picture_of="Imagen de la página, {time}",
        pictures="El aspecto de la página",
        thumbnail="Imagen pequeña",
        view="Parte superior de la página",
        full="Página entera",
        taken="Imagen tomada el {time} (UTC)",
        differs="Difiere el {share} de la imagen",
        looks_same="Las imágenes son iguales.",
        not_compared="Estas imágenes no se pueden comparar punto por punto.",
        difference="Lo que difiere",
        difference_help="En color, donde las imágenes difieren; el resto, pálido.",
        lay_over="Superponer una a la otra",
        slider="A la izquierda de la línea, la versión anterior; a la derecha, la posterior",
    ),
    "ar": PictureWords(
        picture="صورة",
        picture_of="صورة الصفحة، {time}",
        pictures="كيف بدت الصفحة",
        thumbnail="صورة صغيرة",
        view="أعلى الصفحة",
        full="الصفحة كاملة",
        taken="التُقطت الصورة في {time} (UTC)",
        differs="تختلف نسبة {share} من الصورة",
        looks_same="الصورتان متطابقتان.",
        not_compared="لا يمكن مقارنة هاتين الصورتين نقطة بنقطة.",
        difference="ما يختلف",
        difference_help="مواضع اختلاف الصورتين ملونة، والباقي باهت.",
        lay_over="وضع إحداهما فوق الأخرى",
        slider="يسار الخط: النسخة الأقدم؛ ويمينه: الأحدث",
    ),
    "zh": PictureWords(
        picture="图像",
        picture_of="网页图像，{time}",
        pictures="网页外观",
        thumbnail="小图",
        view="网页顶部",
        full="整个网页",
        taken="图像拍摄于 {time}（UTC）",
        differs="图像有 {share} 不同",
        looks_same="两幅图像相同。",
        not_compared="这两幅图像无法逐点比较。",
        difference="不同之处",
        difference_help="图像不同之处以颜色标出，其余为浅色。",
        lay_over="将两图叠放",
        slider="线的左侧为较旧版本，右侧为较新版本",
    ),
    "ru": PictureWords(
        picture="Снимок",
        picture_of="Снимок страницы, {time}",
        pictures="Как выглядела страница",
        thumbnail="Маленький снимок",
        view="Верх страницы",
        full="Вся страница",
        taken="Снимок сделан {time} (UTC)",
        differs="Отличается {share} снимка",
        looks_same="Снимки одинаковы.",
        not_compared="Эти снимки нельзя сравнить точка за точкой.",
        difference="Что отличается",
        difference_help="Там, где снимки отличаются, — цвет; остальное бледное.",
        lay_over="Наложить один на другой",
        slider="Слева от черты — старая версия, справа — новая",
    ),
}
