"""The texts about other archives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ElsewhereWords:
    """The texts of one language."""

    elsewhere: str
    title: str
    look: str
    they_learn: str  # {archives}
    not_ours: str
    captured: str  # {time}
    here: str
    nothing: str
    late: str
    failed: str
    resting: str
    busy: str

    def silence(self, why: str) -> str:
        """Why an archive shows nothing, see `archiver.elsewhere.asking.Heard`."""
        return {"late": self.late, "failed": self.failed, "resting": self.resting, "busy": self.busy}.get(why, self.nothing)


ELSEWHERE_WORDS: dict[str, ElsewhereWords] = {
    "en": ElsewhereWords(
        elsewhere="Elsewhere",
        title="In other archives",
        look="Look in other archives",
        they_learn="They will learn which address is looked for: {archives}.",
        not_ours="These copies are kept by others. The links leave this archive.",
        captured="Captured {time}",
        here="Versions in this archive",
        nothing="has no copy",
        late="has not answered yet; reload in a moment",
        failed="did not answer",
        resting="did not answer lately, and is not asked for a while",
        busy="is not asked, because too many questions are open; reload in a moment",
    ),
    "fr": ElsewhereWords(
        elsewhere="Ailleurs",
        title="Dans d’autres archives",
        look="Chercher dans d’autres archives",
        they_learn="Elles sauront quelle adresse est recherchée : {archives}.",
        not_ours="Ces copies sont conservées par d’autres. Les liens quittent ces archives.",
        captured="Capturée le {time}",
        here="Versions dans ces archives",
        nothing="n’a pas de copie",
        late="n’a pas encore répondu ; rechargez la page dans un instant",
        failed="n’a pas répondu",
        resting="n’a pas répondu récemment et n’est plus interrogé pour un moment",
        busy="n’est pas interrogé, trop de questions étant en cours ; rechargez la page dans un instant",
    ),
    "es": ElsewhereWords(
        elsewhere="En otros lugares",
        title="En otros archivos",
        look="Buscar en otros archivos",
        they_learn="Sabrán qué dirección se busca: {archives}.",
        not_ours="Estas copias las conservan otros. Los enlaces salen de este archivo.",
        captured="Capturada el {time}",
        here="Versiones en este archivo",
        nothing="no tiene copia",
        late="aún no ha respondido; recargue la página en un momento",
        failed="no respondió",
        resting="no respondió recientemente y no se le pregunta por un tiempo",
        busy="no se le pregunta porque hay demasiadas consultas abiertas; recargue la página en un momento",
    ),
    "ar": ElsewhereWords(
        elsewhere="في أماكن أخرى",
        title="في أرشيفات أخرى",
        look="البحث في أرشيفات أخرى",
        they_learn="ستعرف هذه الأرشيفات العنوان الذي يجري البحث عنه: {archives}.",
        not_ours="هذه النسخ محفوظة لدى آخرين. الروابط تغادر هذا الأرشيف.",
        captured="التُقطت في {time}",
        here="النسخ في هذا الأرشيف",
        nothing="ليست لديه نسخة",
        late="لم يُجب بعد؛ أعد تحميل الصفحة بعد لحظة",
        failed="لم يُجب",
        resting="لم يُجب مؤخرًا، ولن يُسأل لبعض الوقت",
        busy="لم يُسأل لأن الأسئلة المفتوحة كثيرة؛ أعد تحميل الصفحة بعد لحظة",
    ),
    "zh": ElsewhereWords(
        elsewhere="其他地方",
        title="在其他档案馆中",
        look="在其他档案馆中查找",
        they_learn="它们会得知所查找的网址：{archives}。",
        not_ours="这些副本由他人保存。链接将离开本档案馆。",
        captured="采集于{time}",
        here="本档案馆中的版本",
        nothing="没有副本",
        late="尚未答复；请稍后重新加载",
        failed="没有答复",
        resting="最近没有答复，暂时不再询问",
        busy="因未完成的查询过多而未询问；请稍后重新加载",
    ),
    "ru": ElsewhereWords(
        elsewhere="В других местах",
        title="В других архивах",
        look="Искать в других архивах",
        they_learn="Они узнают, какой адрес ищут: {archives}.",
        not_ours="Эти копии хранят другие. Ссылки ведут за пределы этого архива.",
        captured="Сохранено {time}",
        here="Версии в этом архиве",
        nothing="копии нет",
        late="ещё нет ответа; обновите страницу через мгновение",
        failed="нет ответа",
        resting="недавно не отвечал, и некоторое время его не спрашивают",
        busy="не спрашивали: слишком много открытых запросов; обновите страницу через мгновение",
    ),
}
