// What all parts of the runtime share: the browser's own functions, addresses of the archive, and how to replace a getter.
//
// All parts are joined into one function, boot(window, config), that is run once for every window: for the page by the
// script in its head, for frames that have no document of their own by the page that makes them. Some of the parts are the
// runtime of workers too, where `window` is the worker's own global object and there is no document.
//
//   config.reader     origin of the archive's own pages
//   config.prefix     path of the collection, such as "/unesco/"
//   config.timestamp  14 digits of the page
//   config.url        archived address of the document
//   config.script     address of this script
//   config.cookies    what the server set with the document, as far as scripts may see it
//   config.modifier   how links in documents without an address of their own are asked for
//
// Rewritten scripts know the runtime by a name that is bound as by a top-level `const`: nothing has a property of that name.

const {Object, Reflect, Proxy, Map, WeakMap, WeakSet, Set, String, Number, Symbol, Math, JSON, Promise, URL, DOMException} = window;
// Not `document`: a frame keeps its window when its first, empty document makes way for the real one.
const realLocation = window.location;
const {apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf} = Reflect;

const uncurried = (method) => (self, ...values) => apply(method, self, values);
const getterOf = (prototype, name) => uncurried(getOwnPropertyDescriptor(prototype, name).get);
const attempt = (read) => {
  try {
    return read();
  } catch {
    return null; // a frame in a sandbox
  }
};
const native = {
  ...(window.Node && {
    baseURI: getterOf(window.Node.prototype, "baseURI"),
    defaultView: getterOf(window.Document.prototype, "defaultView"),
    getAttribute: uncurried(window.Element.prototype.getAttribute),
    setAttribute: uncurried(window.Element.prototype.setAttribute),
    removeAttribute: uncurried(window.Element.prototype.removeAttribute),
    localName: getterOf(window.Element.prototype, "localName"),
    createElementNS: uncurried(window.Document.prototype.createElementNS),
    append: uncurried(window.Node.prototype.appendChild),
    removeChild: uncurried(window.Node.prototype.removeChild),
    createTextNode: uncurried(window.Document.prototype.createTextNode),
  }),
  XMLHttpRequest: window.XMLHttpRequest,
  open: window.XMLHttpRequest.prototype.open,
  send: window.XMLHttpRequest.prototype.send,
  responseText: getterOf(window.XMLHttpRequest.prototype, "responseText"),
  status: getterOf(window.XMLHttpRequest.prototype, "status"),
  setTimeout: window.setTimeout.bind(window),
  Event: window.Event,
  dispatchEvent: uncurried(window.EventTarget.prototype.dispatchEvent),
  addEventListener: uncurried(window.EventTarget.prototype.addEventListener),
  createObjectURL: window.URL.createObjectURL,
  localStorage: attempt(() => window.localStorage),
  sessionStorage: attempt(() => window.sessionStorage),
};

const ADDRESS = /^\/[^/]+\/\d{1,14}(?:([a-z]{2,4})_)?\/(?=[a-z][a-z0-9+.-]*:)/i;
const WEB = /^(?:https?|ws|wss):/i;
const NO_ADDRESS = /^[\s\0]*(?:#|$|(?:data|about|blob|mailto|tel|sms|chrome|android-app|intent):)/i;
const SCRIPT_URL = /^[\s\0]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:/i;

const parsed = (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};

/** A URL with something replaced before its query. Servers undo one layer of escapes: "/a%2Fb" stands in addresses as "/a%252Fb". */
const inPath = (url, what, by) => {
  if (!url.includes("%")) return url;
  const end = url.search(/[?#]/);
  return end < 0 ? url.replace(what, by) : url.slice(0, end).replace(what, by) + url.slice(end);
};

/** The archived address behind an address of this archive; anything else as it is. */
const originalOf = (address) => {
  const text = String(address);
  if (!text.startsWith(config.reader + "/")) return text;
  const path = text.slice(config.reader.length);
  const found = ADDRESS.exec(path);
  if (!found) return text;
  const rest = path.slice(found[0].length);
  return inPath(rest.replace(/^(https?):\/(?!\/)/i, "$1://"), /%25(?=(?:25)*2f)/gi, "%");
};

/** The marks of how a page wrote an address, see `spelled` in the server's rewriting. */
const MARK = /^https?:(\/\/[^/?#]*)[^?#]*?\/(?:(%2e\/%2e\/[^?#]*)|(%2E\/%2e)(?=\/)|%2e\/|%2E(?=\/))/;
/** An archived URL as the page wrote it. */
const respelled = (url) => url.replace(MARK, (all, host, query, scheme) => (scheme ? host : ""));

/** How this document was asked for: frames stay without a banner. */
const pageModifier = () => {
  const found = ADDRESS.exec(realLocation.pathname);
  if (!found) return config.modifier;
  return found[1] === "fr" || found[1] === "if" || found[1] === "oe" ? "if" : "";
};

// Windows of one origin find each other's runtime by an event that pages have no reason to listen for, at an object that keeps
// its listeners when a document is begun anew.
const QUESTION = "muniment";
const performanceOf = window.document && getterOf(window, "performance");
const known = new WeakMap(); // document → runtime of its window
const runtimeOf = (other) => {
  try {
    const {document} = other; // throws beyond a sandbox
    let found = known.get(document);
    if (found === undefined && document) {
      const question = new native.Event(QUESTION);
      native.dispatchEvent(performanceOf(other), question);
      found = getOwnPropertyDescriptor(question, "runtime")?.value;
      if (found) known.set(document, found);
    }
    return found;
  } catch {
    return undefined;
  }
};
const answerWith = (runtime) => {
  native.addEventListener(performanceOf(window), QUESTION, (event) => defineProperty(event, "runtime", {value: runtime}));
};

/** Binds the name that rewritten scripts know the runtime by. Only a script can. */
const declare = (runtime) => {
  const {document} = window;
  const script = native.createElementNS(document, "http://www.w3.org/1999/xhtml", "script");
  native.append(script, native.createTextNode(document, "const __muniment = document.currentScript.runtime"));
  script.runtime = runtime;
  const parent = document.head ?? document.documentElement ?? document;
  native.append(parent, script);
  native.removeChild(parent, script);
};

const realHref = window.document ? () => realLocation.href : getterOf(window.WorkerLocation.prototype, "href").bind(null, realLocation);
/** Which page this is; documents without an address of their own belong to the one that made them. */
const hereURL = () => {
  const own = parsed(originalOf(realHref()));
  return own && WEB.test(own.protocol) && own.origin !== config.reader ? own : parsed(config.url);
};

/** What relative addresses of the document are joined with, as an archived address. */
const baseOf = (node = window.document) => {
  if (!node) return hereURL().href;
  const base = originalOf(native.baseURI(node));
  return base.startsWith("about:") || base.startsWith(config.reader) ? config.url : base;
};

/** The address in the archive for what a page asks for; null when it is to be left alone. */
const resolved = (value, base = baseOf()) => {
  const text = String(value);
  if (NO_ADDRESS.test(text)) return null;
  const whole = parsed(text, base);
  if (!whole) return null;
  if (whole.origin === config.reader) {
    if (ADDRESS.test(whole.pathname) || whole.pathname.startsWith("/-/")) return null;
    // A path that was joined with the archive's own origin somewhere on its way here.
    return parsed(whole.pathname + whole.search + whole.hash, base);
  }
  return WEB.test(whole.protocol) ? whole : null;
};

const archived = (value, modifier = "", base = undefined) => {
  const whole = resolved(value, base);
  if (whole === null) return value;
  const mark = modifier ? `${modifier}_` : "";
  return `${config.reader}${config.prefix}${config.timestamp}${mark}/${inPath(whole.href, /%(?=(?:25)*2f)/gi, "%25")}`;
};

const UNMARKED = /[^\x21-\x7e]|[\\%"'<>`]/;
const withMark = (text, whole, base) => {
  if (text.startsWith("//")) {
    const rest = text.slice(whole.host.length + 2);
    return text.startsWith(`//${whole.host}/`) ? `${whole.origin}/%2E/%2e${rest}` : null;
  }
  if (text.startsWith("/")) return `${whole.origin}/%2E${text}`;
  const folder = new URL(".", base);
  const here = `${folder.origin}${folder.pathname}%2e/`;
  return text.startsWith("?") ? `${here}%2e/${base.replace(/[?#].*/s, "").replace(/.*\//s, "")}${text}` : here + text;
};
/** The same for an attribute: written so that the browser reads the same, and what the page wrote can be read back. */
const spelled = (value, modifier) => {
  const address = archived(value, modifier);
  const text = String(value);
  if (address === value || WEB.test(text) || UNMARKED.test(text)) return address;
  const base = baseOf(), whole = resolved(text, base);
  const written = withMark(text, whole, base);
  const start = address.slice(0, address.length - whole.href.length);
  return written !== null && address.endsWith(whole.href) && parsed(start + written)?.href === address ? start + written : address;
};

/** Replace parts of a property, keeping what is not given. */
const redefine = (owner, name, {get, set, value}) => {
  // What is global in a worker is so by its prototypes.
  if (owner === window) while (owner && !getOwnPropertyDescriptor(owner, name)) owner = getPrototypeOf(owner);
  if (!owner) return;
  const before = getOwnPropertyDescriptor(owner, name);
  if (!before || !before.configurable || (value === undefined && "value" in before)) return;
  if (value !== undefined) {
    defineProperty(owner, name, {...before, value: named(method(value(before.value)), before.value)});
    return;
  }
  defineProperty(owner, name, {
    configurable: true,
    enumerable: before.enumerable,
    get: get && before.get ? named(method(get(before.get)), before.get) : before.get,
    set: set && before.set ? named(method(set(before.set)), before.set) : before.set,
  });
};

/** Replacement → what it replaces, in all windows that can reach each other: functions say in one what those of another are. */
const maker = window.document && (window.parent === window ? window.opener : window.parent);
const disguised = (maker && runtimeOf(maker)?.disguised) || new WeakMap();
const nativeToString = window.Function.prototype.toString;

/** Makes a replacement look like what it replaces. */
const named = (replacement, original) => {
  if (typeof replacement !== "function" || typeof original !== "function" || replacement === original) return replacement;
  if (getPrototypeOf(replacement) !== getPrototypeOf(original)) Object.setPrototypeOf(replacement, getPrototypeOf(original));
  for (const key of ["name", "length"]) {
    const property = getOwnPropertyDescriptor(original, key);
    if (property) defineProperty(replacement, key, property);
  }
  disguised.set(replacement, disguised.get(original) ?? original);
  return replacement;
};
const methodOf = new window.Function("apply", "return (made) => ({method(...values) { return apply(made, this, values) }}).method")(apply);
/** A function of the window's own realm that is no constructor, as those of browsers are none. */
const method = (made) => {
  if (typeof made !== "function") return made;
  return Object.hasOwn(made, "prototype") || getPrototypeOf(made) !== window.Function.prototype ? methodOf(made) : made;
};
window.Function.prototype.toString = named(
  {
    toString() {
      return apply(nativeToString, disguised.get(this) ?? this, []);
    },
  }.toString,
  nativeToString,
);

/** Replace a method; `make` is given the original and returns the new one. */
const override = (owner, name, make) => redefine(owner, name, {value: make});

/** Replace a constructor, so that `instanceof`, `constructor` and static members go on working. */
const overrideClass = (name, handler) => {
  const original = window[name];
  if (typeof original !== "function") return;
  const replacement = new Proxy(original, handler(original));
  disguised.set(replacement, original);
  const property = getOwnPropertyDescriptor(window, name);
  defineProperty(window, name, {...property, value: replacement});
  if (original.prototype?.constructor === original) {
    defineProperty(original.prototype, "constructor", {value: replacement, writable: true, configurable: true, enumerable: false});
  }
};

/** Functions whose constructors are named nowhere else, of this window's own realm. */
const KINDS_OF_FUNCTIONS = new window.Function("return [async function () {}, function* () {}, async function* () {}]")();
