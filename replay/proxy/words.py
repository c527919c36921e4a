"""The texts of the proxy's own pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProxyWords:
    """The texts of one language."""

    title: str  # {instance}
    intro: str
    shown: str
    newest: str
    nothing_chosen: str
    collection: str
    time: str
    time_help: str
    choose: str
    holds_for: str  # {client}
    certificate: str
    certificate_help: str
    fingerprint: str
    not_through: str  # {address}
    not_archived: str
    nothing_else: str
    other_choice: str
    not_shown: str
    withdrawn: str


PROXY_WORDS: dict[str, ProxyWords] = {
    "en": ProxyWords(
        title="{instance}: proxy",
        intro="Through this proxy, a browser gets pages as they were captured, unchanged. Nothing comes from the live web.",
        shown="Shown now",
        newest="newest",
        nothing_chosen="Nothing is chosen yet.",
        collection="Collection",
        time="Time (UTC)",
        time_help="1 to 14 digits, such as 2016 or 20160810204623; nothing for the newest.",
        choose="Choose",
        holds_for="This holds for whoever comes from {client} and gives no user name, until the proxy is stopped.",
        certificate="Certificate for https",
        certificate_help="The browser has to trust this authority. Give it a profile of its own: who has the key of the "
        "authority could pass as any site there.",
        fingerprint="SHA-256 fingerprint",
        not_through="Set this address as the browser’s HTTP proxy for all protocols; then {address} shows and changes "
        "the collection and the time.",
        not_archived="Not in the archive",
        nothing_else="The proxy does not ask the live web for it.",
        other_choice="Choose another collection or time",
        not_shown="This page may not be shown",
        withdrawn="This page was withdrawn from the archive",
    ),
    "fr": ProxyWords(
        title="{instance} : proxy",
        intro="À travers ce proxy, un navigateur reçoit les pages telles qu’elles ont été capturées, inchangées. Rien ne "
        "vient du web actuel.",
        shown="Affiché en ce moment",
        newest="la plus récente",
        nothing_chosen="Rien n’est encore choisi.",
        collection="Collection",
        time="Heure (UTC)",
        time_help="De 1 à 14 chiffres, par exemple 2016 ou 20160810204623 ; rien pour la plus récente.",
        choose="Choisir",
        holds_for="Cela vaut pour tous ceux qui viennent de {client} sans nom d’utilisateur, jusqu’à l’arrêt du proxy.",
        certificate="Certificat pour https",
        certificate_help="Le navigateur doit faire confiance à cette autorité. Donnez-lui un profil à part : qui possède la "
        "clé de l’autorité pourrait s’y faire passer pour n’importe quel site.",
        fingerprint="Empreinte SHA-256",
        not_through="Réglez cette adresse comme proxy HTTP du navigateur pour tous les protocoles ; {address} montre et "
        "change ensuite la collection et l’heure.",
        not_archived="Absente des archives",
        nothing_else="Le proxy ne la demande pas au web actuel.",
        other_choice="Choisir une autre collection ou une autre heure",
        not_shown="Cette page ne peut pas être affichée",
        withdrawn="Cette page a été retirée des archives",
    ),
    "es": ProxyWords(
        title="{instance}: proxy",
        intro="A través de este proxy, un navegador recibe las páginas tal como se capturaron, sin cambios. Nada viene de la "
        "web actual.",
        shown="Se muestra ahora",
        newest="la más reciente",
        nothing_chosen="Todavía no se ha elegido nada.",
        collection="Colección",
        time="Hora (UTC)",
        time_help="De 1 a 14 cifras, por ejemplo 2016 o 20160810204623; nada para la más reciente.",
        choose="Elegir",
        holds_for="Vale para quien venga de {client} sin nombre de usuario, hasta que se detenga el proxy.",
        certificate="Certificado para https",
        certificate_help="El navegador debe confiar en esta autoridad. Use un perfil aparte: quien tenga la clave de la "
        "autoridad podría hacerse pasar allí por cualquier sitio.",
        fingerprint="Huella SHA-256",
        not_through="Configure esta dirección como proxy HTTP del navegador para todos los protocolos; {address} muestra y "
        "cambia después la colección y la hora.",
        not_archived="No está en el archivo",
        nothing_else="El proxy no la pide a la web actual.",
        other_choice="Elegir otra colección u otra hora",
        not_shown="Esta página no se puede mostrar",
        withdrawn="Esta página fue retirada del archivo",
    ),
    "ar": ProxyWords(
        title="{instance}: وكيل",
        intro="عبر هذا الوكيل يحصل المتصفح على الصفحات كما التُقطت دون تغيير. لا يأتي شيء من الويب الحالي.",
        shown="المعروض الآن",
        newest="الأحدث",
        nothing_chosen="لم يُختر شيء بعد.",
        collection="المجموعة",
        time="الوقت (UTC)",
        time_help="من رقم واحد إلى 14 رقمًا، مثل 2016 أو 20160810204623؛ اتركه فارغًا للأحدث.",
        choose="اختيار",
        holds_for="يسري هذا على كل من يأتي من {client} دون اسم مستخدم، إلى أن يتوقف الوكيل.",
        certificate="شهادة https",
        certificate_help="يجب أن يثق المتصفح بهذه السلطة. خصّص لها ملفًا شخصيًا مستقلًا: من يملك مفتاح السلطة يستطيع أن ينتحل "
        "فيه أي موقع.",
        fingerprint="بصمة SHA-256",
        not_through="اضبط هذا العنوان وكيل HTTP للمتصفح لجميع البروتوكولات؛ بعدها يعرض {address} المجموعة والوقت ويغيّرهما.",
        not_archived="غير موجودة في الأرشيف",
        nothing_else="لا يطلبها الوكيل من الويب الحالي.",
        other_choice="اختيار مجموعة أخرى أو وقت آخر",
        not_shown="لا يمكن عرض هذه الصفحة",
        withdrawn="سُحبت هذه الصفحة من الأرشيف",
    ),
    "zh": ProxyWords(
        title="{instance}：代理",
        intro="通过此代理，浏览器得到采集时原样的网页。任何内容都不来自实时网络。",
        shown="当前显示",
        newest="最新",
        nothing_chosen="尚未选择。",
        collection="专题",
        time="时间（UTC）",
        time_help="1 至 14 位数字，例如 2016 或 20160810204623；留空为最新。",
        choose="选择",
        holds_for="此选择适用于所有来自 {client} 且未提供用户名的访问，直到代理停止。",
        certificate="https 证书",
        certificate_help="浏览器必须信任此证书机构。请为它单独建立一个浏览器配置：谁持有该机构的密钥，谁就能在其中冒充任何网站。",
        fingerprint="SHA-256 指纹",
        not_through="请将此地址设为浏览器所有协议的 HTTP 代理；之后可在 {address} 查看和更改专题与时间。",
        not_archived="不在档案馆中",
        nothing_else="代理不会向实时网络请求它。",
        other_choice="选择其他专题或时间",
        not_shown="不可显示",
        withdrawn="已撤回",
    ),
    "ru": ProxyWords(
        title="{instance}: прокси",
        intro="Через этот прокси браузер получает страницы такими, какими они были сохранены. Из живой сети не берётся ничего.",
        shown="Сейчас показывается",
        newest="самое новое",
        nothing_chosen="Пока ничего не выбрано.",
        collection="Коллекция",
        time="Время (UTC)",
        time_help="От 1 до 14 цифр, например 2016 или 20160810204623; пусто — самое новое.",
        choose="Выбрать",
        holds_for="Это действует для всех, кто приходит с {client} без имени пользователя, пока прокси не остановлен.",
        certificate="Сертификат для https",
        certificate_help="Браузер должен доверять этому центру сертификации. Заведите для него отдельный профиль: у кого ключ "
        "центра, тот мог бы выдать себя там за любой сайт.",
        fingerprint="Отпечаток SHA-256",
        not_through="Укажите этот адрес как HTTP-прокси браузера для всех протоколов; тогда {address} покажет коллекцию и "
        "время и позволит их сменить.",
        not_archived="Нет в архиве",
        nothing_else="Прокси не запрашивает это в живой сети.",
        other_choice="Выбрать другую коллекцию или время",
        not_shown="Показывать нельзя",
        withdrawn="Отозвано",
    ),
}
