// Markup and style sheets that a page makes while it runs.

/** Element name, attribute name → how what it names is asked for; "=srcset" and the like need more than that. */
const ATTRIBUTES = {
  a: {href: "", "xlink:href": "", ping: "=ping", attributionsrc: "=ping"},
  area: {href: "", ping: "=ping"},
  audio: {src: "oe"},
  base: {href: ""},
  body: {background: "im"},
  button: {formaction: ""},
  embed: {src: "=frame"},
  form: {action: ""},
  frame: {src: "=frame"},
  iframe: {src: "=frame", srcdoc: "=srcdoc"},
  image: {href: "im", "xlink:href": "im"},
  feimage: {href: "im", "xlink:href": "im"},
  img: {src: "im", srcset: "=srcset", lowsrc: "im", attributionsrc: "=ping"},
  input: {src: "im", formaction: ""},
  link: {href: "=link", imagesrcset: "=srcset"},
  meta: {content: "=refresh"},
  object: {data: "=frame"},
  script: {src: "=script", href: "=script", "xlink:href": "=script", type: "=type", attributionsrc: "=ping"},
  source: {src: "oe", srcset: "=srcset"},
  table: {background: "im"},
  td: {background: "im"},
  th: {background: "im"},
  track: {src: "oe"},
  use: {href: "im", "xlink:href": "im"},
  video: {src: "oe", poster: "im"},
};
const DISARMED = new Set(["integrity", "crossorigin", "nonce"]);
const LINKS = {stylesheet: "cs", icon: "im", "apple-touch-icon": "im", modulepreload: "esm", manifest: "oe"};
const PRELOADS = {script: "js", style: "cs", image: "im", font: "oe", fetch: "da", worker: "wkr"};

const linkModifier = (rel, as) => {
  for (const word of String(rel ?? "").toLowerCase().split(/\s+/)) {
    if (word === "preload" || word === "prefetch") return PRELOADS[String(as ?? "").toLowerCase()] ?? "oe";
    if (word in LINKS) return LINKS[word];
  }
  return "";
};

const HINTS = /(?:^|\s)(?:preconnect|dns-prefetch|prerender)(?:\s|$)/i;

/**
 * What replaces an attribute's value; null when it stays.
 *   name   element name, lower case
 *   other  gives another attribute of the same element
 */
const attributeValue = (name, attribute, value, other) => {
  if (attribute === "style") return styleText(value);
  if (attribute.startsWith("on") && attribute.length > 2) return changedScript(value);
  const kind = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name][attribute] : undefined;
  if (kind === undefined) return null;
  if (kind === "=ping") return "";
  if (kind === "=type") return /^\s*speculationrules\s*$/i.test(value) ? `archived/${value.trim()}` : null; // nothing is fetched ahead
  if (kind === "=srcset") return srcset(value);
  if (kind === "=srcdoc") return innerMarkup(value);
  if (kind === "=refresh") return /^\s*refresh\s*$/i.test(other("http-equiv") ?? "") ? refresh(value) : null;
  if (kind === "=script") return address(value, String(other("type") ?? "").trim().toLowerCase() === "module" ? "esm" : "js");
  if (kind === "=link") {
    return HINTS.test(other("rel") ?? "") ? "about:blank" : address(value, linkModifier(other("rel"), other("as")));
  }
  if (SCRIPT_URL.test(value)) return scriptAddress(value);
  if (kind === "=frame") return dataDocument(value) ?? address(value, name === "iframe" || name === "frame" ? "if" : "oe");
  return address(value, name === "a" || name === "area" || name === "form" ? pageModifier() : kind);
};

const address = (value, modifier) => {
  const result = spelled(value, modifier);
  return result === value ? null : result;
};

/** "5; url=…". */
const refresh = (value) => {
  const found = /^(\s*[\d.]+(?:\s*[;,]|\s)\s*(?:url\s*=\s*)?)(["']?)([\s\S]+)$/i.exec(value);
  if (!found) return null;
  const [, before, quote, rest] = found;
  const url = quote ? rest.split(quote, 1)[0] : rest;
  const changed = archived(url.trim(), pageModifier());
  return changed === url.trim() ? null : before + quote + changed + quote;
};

const changedScript = (source) => {
  const result = script(source);
  return result === source ? null : result;
};

const CANDIDATE = /(^\s*|,\s*)([^\s,]\S*[^\s,])/g;
const srcset = (value) => String(value).replace(CANDIDATE, (all, before, url) => before + spelled(url, "im"));

const CSS_URL = /(url\(\s*)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"'()\\]+))(\s*\))|(@import\s+)(?:"([^"\\]*)"|'([^'\\]*)')/gi;

const IMAGE_SET = /(image-set\()((?:[^()"']|"[^"]*"|'[^']*'|\([^()]*\))*)\)/gi;
/** Images in a set may be named by a string alone. */
const imageSet = (all, start, images) => {
  const changed = images.replace(/(^|,)(\s*)(["'])([^"']*)\3/g, (one, comma, space, quote, url) => comma + space + quote + archived(url, "im") + quote);
  return `${start}${changed})`;
};

/** A style sheet with archive addresses; null when nothing changes. */
const styleText = (text) => {
  if (!/url\(|@import|image-set\(/i.test(text)) return null;
  const result = text.replace(IMAGE_SET, imageSet).replace(CSS_URL, (all, open, double, single, bare, close, rule, ruleDouble, ruleSingle) => {
    const value = double ?? single ?? bare ?? ruleDouble ?? ruleSingle;
    const changed = archived(value, rule ? "cs" : "im");
    if (changed === value) return all;
    return rule ? `${rule}"${changed}"` : `${open}"${changed.replace(/["\\]/g, "\\$&")}"${close}`;
  });
  return result === text ? null : result;
};

/** The text of a script element of some type, as it runs in the archive. */
const code = (text, type) => {
  if (/^\s*importmap\s*$/i.test(type ?? "")) return importMap(text);
  return /json|speculationrules/i.test(type ?? "") ? text : script(text);
};
const ADDRESS_LIKE = /^(?:\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i;
/** Names of modules lead to addresses of the archive; names that are addresses are asked for as such. */
const importMap = (text) => {
  const changed = (names) =>
    Object.fromEntries(Object.entries(names ?? {}).map(([name, url]) => [nameOf(name), typeof url === "string" ? archived(url, "esm") : url]));
  const nameOf = (name) => (ADDRESS_LIKE.test(name) ? archived(name, "esm") : name);
  try {
    const map = JSON.parse(text);
    const scopes = Object.entries(map.scopes ?? {}).map(([scope, names]) => [archived(scope, "esm"), changed(names)]);
    return JSON.stringify({imports: changed(map.imports), scopes: Object.fromEntries(scopes)});
  } catch {
    return text;
  }
};

// Every way to begin comes to an end in one way, be it that of the text: whatever is written takes as long as it is.
const IN_TAG = String.raw`((?:[^>=]|=\s*(?:"[^"]*(?:"|$)|'[^']*(?:'|$))?)*)(>|$)`;
const RAW = "script|style|textarea|title|xmp|noembed|noframes";
const TAG = new RegExp(
  String.raw`<!--[\s\S]*?(?:-->|$)|<(${RAW})(?=[\s>])${IN_TAG}([\s\S]*?)(?=<\/\1[\s>/]|$)|<([a-z][^\s/>]*)${IN_TAG}`,
  "gi",
);
const ATTRIBUTE = /([^\s=/>"']+)(?:(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*)))?/g;
const DECODER = window.document.implementation.createHTMLDocument("").createElement("textarea");
const setText = uncurried(getOwnPropertyDescriptor(window.Element.prototype, "innerHTML").set);
const textOf = getterOf(window.HTMLTextAreaElement.prototype, "value");

const decoded = (value) => {
  if (!value.includes("&")) return value;
  setText(DECODER, value);
  return textOf(DECODER);
};
const encoded = (value) => value.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

const rewriteAttributes = (name, text) => {
  const values = new Map();
  for (const found of text.matchAll(ATTRIBUTE)) {
    const key = found[1].toLowerCase();
    if (!values.has(key)) values.set(key, decoded(found[3] ?? found[4] ?? found[5] ?? ""));
  }
  return text.replace(ATTRIBUTE, (all, attribute, equals) => {
    const key = attribute.toLowerCase();
    if (DISARMED.has(key) && (name === "script" || name === "link")) return all.replace(attribute, `data-archived-${key}`);
    if (equals === undefined) return all;
    const result = attributeValue(name, key, values.get(key), (other) => values.get(other));
    return result === null ? all : `${attribute}="${encoded(result)}"`;
  });
};

/** Markup with archive addresses, otherwise as it was. */
const rewriteMarkup = (markup) => {
  const text = String(markup);
  if (!text.includes("<") || !/[=(]/.test(text)) return text;
  return text.replace(TAG, (all, rawName, rawAttributes, rawEnd, rawText, name, attributes, end) => {
    if (!(rawEnd || end)) return all; // a comment, or a tag without its end, which makes no element
    if (rawName !== undefined) {
      const element = rawName.toLowerCase();
      let inner = rawText;
      if (element === "style") inner = styleText(rawText) ?? rawText;
      if (element === "script") inner = code(rawText, /\btype\s*=\s*["']?([^"'\s>]*)/i.exec(rawAttributes)?.[1]);
      return `<${rawName}${rewriteAttributes(element, rawAttributes)}>${inner}`;
    }
    return `<${name}${rewriteAttributes(name.toLowerCase(), attributes)}>`;
  });
};

// -- documents inside documents ----------------------------------------------------------------------------------------

const RUNS = /<script|\son\w+\s*=|javascript:/i;
const DOCUMENT_TYPE = /^\s*(text\/html|image\/svg\+xml|application\/xhtml\+xml|(?:text|application)\/xml)\s*(?:;|$)/i;
const BEFORE_HEAD = /^\ufeff?(?:\s|<!--[\s\S]*?-->)*(?:<!doctype[^>]*>)?/i;
const BEFORE_CONTENT = /^(?:[^<]|<!--(?:(?!-->)[\s\S])*-->|<\?(?:(?!\?>)[\s\S])*\?>|<!(?!--)[^>]*>)*<[^!?](?:[^>"'/]|\/(?!>)|"[^"]*"|'[^']*')*>/;

/** A document that may run scripts, with the runtime before them: not all of them can be reached from here later. */
const withRuntime = (markup, isXML) => {
  if (!RUNS.test(markup)) return markup;
  const facts = {src: config.script, "data-prefix": config.prefix, "data-timestamp": config.timestamp, "data-url": baseOf()};
  const attributes = Object.entries(facts).map(([name, value]) => ` ${name}="${encoded(value)}"`).join("");
  const tag = `<script${isXML ? ' xmlns="http://www.w3.org/1999/xhtml"' : ""}${attributes}></script>`;
  return markup.replace(isXML ? BEFORE_CONTENT : BEFORE_HEAD, (start) => start + tag);
};
const innerMarkup = (markup) => withRuntime(rewriteMarkup(markup), false);

/** What a `data:` or `blob:` address holds, when it is a document; else null. */
const documentAt = (url, type) => {
  const found = DOCUMENT_TYPE.exec(type);
  if (!found) return null;
  const text = textAt(url);
  if (text === null) return null;
  return found[1].toLowerCase() === "text/html" ? innerMarkup(text) : withRuntime(text, true);
};
const madeDocument = (url, type) => {
  const markup = documentAt(url, type);
  if (markup === null) return null;
  return blobOf(markup, `${type.replace(/;.*/, "")};charset=utf-8`);
};
/** The wall lets no frame show a `data:` address, whose scripts nobody could reach. */
const dataDocument = (url) => {
  const type = /^\s*data:([^,]*),/i.exec(url)?.[1];
  return type === undefined ? null : madeDocument(url, type);
};
override(window.URL, "createObjectURL", (before) => function (object) {
  const url = apply(before, window.URL, [object]);
  return (object instanceof window.Blob ? madeDocument(url, object.type) : null) ?? url;
});

const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const ARCHIVED_URL = `\\d{14}(?:[a-z]{2,4}_)?/(https?:[^\\s"'<>)]*)`;
const WHOLE = new RegExp(`()${literal(config.reader)}/[^/\\s"'<>]+/${ARCHIVED_URL}`, "g");
const PATHS = new RegExp(`(["'\\s(=,])${literal(config.prefix)}${ARCHIVED_URL}`, "g");

/** Markup as the page would have read it outside the archive. */
const restored = (markup) => {
  if (typeof markup !== "string" || !markup.includes(config.prefix)) return markup;
  const read = (all, before, url) => before + respelled(url);
  return markup.replace(WHOLE, read).replace(PATHS, read);
};

for (const [owner, name] of [
  [window.Element.prototype, "innerHTML"],
  [window.Element.prototype, "outerHTML"],
  [window.ShadowRoot?.prototype, "innerHTML"],
]) {
  redefine(owner, name, {
    get: (before) => function () {
      return restored(apply(before, this, []));
    },
    set: (before) => function (value) {
      const isStyle = name === "innerHTML" && this instanceof window.HTMLStyleElement;
      const text = value === null ? "" : String(value);
      apply(before, this, [isStyle ? (styleText(text) ?? text) : rewriteMarkup(text)]);
      framesChanged();
    },
  });
}
const markupAt = (owner, name, position) => {
  override(owner, name, (before) => function (...values) {
    if (values.length > position) values[position] = rewriteMarkup(values[position]);
    const result = apply(before, this, values);
    framesChanged();
    return result;
  });
};
markupAt(window.Element.prototype, "insertAdjacentHTML", 1);
markupAt(window.Element.prototype, "setHTMLUnsafe", 0);
markupAt(window.ShadowRoot?.prototype, "setHTMLUnsafe", 0);
markupAt(window.Document, "parseHTMLUnsafe", 0);
markupAt(window.Element.prototype, "setHTML", 0);
markupAt(window.ShadowRoot?.prototype, "setHTML", 0);
markupAt(window.Document, "parseHTML", 0);
markupAt(window.Range.prototype, "createContextualFragment", 0);
override(window.DOMParser.prototype, "parseFromString", (before) => function (text, type, ...rest) {
  const isHTML = String(type).toLowerCase() === "text/html";
  return apply(before, this, [isHTML ? rewriteMarkup(text) : text, type, ...rest]);
});

// document.write may be given a tag in several pieces: the beginning of one waits for its end, or for that of the document.
const waiting = new WeakMap();
const nativeWrite = window.Document.prototype.write;
/** Where a tag begins that has no end yet, or code that has none; the length of the text when all have. */
const unfinished = (text) => {
  for (const {0: all, 1: rawName, 3: rawEnd, 7: end, index} of text.matchAll(TAG)) {
    const isOpenCode = /^(?:script|style)$/i.test(rawName) && index + all.length === text.length;
    if (rawEnd === "" || end === "" || isOpenCode) return index;
  }
  return text.length;
};
for (const name of ["write", "writeln"]) {
  override(window.Document.prototype, name, (before) => function (...values) {
    let text = (waiting.get(this) ?? "") + values.join("") + (name === "writeln" ? "\n" : "");
    waiting.delete(this);
    const end = this.readyState === "loading" ? unfinished(text) : text.length;
    if (end < text.length) waiting.set(this, text.slice(end));
    text = text.slice(0, end);
    const result = apply(before, this, [rewriteMarkup(text)]);
    framesChanged();
    runtimeOf(native.defaultView(this))?.listen();
    return result;
  });
}
override(window.Document.prototype, "execCommand", (before) => function (command, shown, value) {
  return apply(before, this, [command, shown, /^inserthtml$/i.test(command) ? rewriteMarkup(value) : value]);
});
override(window.Document.prototype, "close", (before) => function () {
  const rest = waiting.get(this);
  if (rest) {
    waiting.delete(this);
    apply(nativeWrite, this, [rewriteMarkup(rest)]);
  }
  return apply(before, this, []);
});
override(window.Document.prototype, "open", (before) => function (...values) {
  if (values.length > 2) return window.open(...values);
  const result = apply(before, this, values);
  runtimeOf(native.defaultView(this))?.listen(); // it has forgotten all its listeners
  return result;
});
