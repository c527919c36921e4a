// Windows and frames: which of them belong to the archived site, and how they talk to each other.

const runtimeOf = (other) => {
  try {
    return other?.__muniment;
  } catch {
    return undefined;
  }
};

const parentGetter = getOwnPropertyDescriptor(window, "parent")?.get;
const nativeParent = (other) => (parentGetter ? apply(parentGetter, other, []) : window);

// A window on the other side of a sandbox lets nobody read what rewritten scripts ask for, so a view of it answers.
const isBeyond = (other) => {
  try {
    return !other.document && false;
  } catch {
    return true;
  }
};
const beyond = new WeakMap();
const seenFromHere = (other) => {
  if (other === null || typeof other !== "object" || !isBeyond(other)) return other;
  let view = beyond.get(other);
  if (!view) {
    const lead = (url) => {
      other.location = archived(url, "if");
    };
    const location = {replace: lead, set href(url) { lead(url); }};
    const answers = {
      __muniment_from: (caller) => ({postMessage: (...values) => caller.send(other, ...values)}),
      postMessage: (...values) => send(other, ...values),
    };
    view = new Proxy(Object.create(null), {
      get: (target, key) => {
        if (Object.hasOwn(answers, key)) return answers[key];
        if (key === "__muniment_location" || key === "location") return location;
        if (key === "__muniment_top") return archivedTop();
        const value = other[key];
        return typeof value === "function" ? (...values) => apply(value, other, values) : value === other ? view : seenFromHere(value);
      },
      set: (target, key, value) => {
        if (key === "__muniment_location" || key === "location") lead(value);
        else other[key] = value;
        return true;
      },
      getPrototypeOf: () => null,
    });
    beyond.set(other, view);
  }
  return view;
};

/** The outermost window that shows the archived site. */
const archivedTop = () => {
  let here = window;
  for (;;) {
    const parent = nativeParent(here);
    if (isBeyond(parent)) return seenFromHere(window.top);
    if (here === parent || !runtimeOf(parent)) return here;
    here = parent;
  }
};

redefine(window, "parent", {
  get: (before) => function () {
    const parent = apply(before, this ?? window, []);
    return isBeyond(parent) ? seenFromHere(parent) : runtimeOf(parent) ? parent : window;
  },
});
redefine(window, "opener", {
  get: (before) => function () {
    return seenFromHere(apply(before, window, []));
  },
});
redefine(window.MessageEvent.prototype, "source", {
  get: (before) => function () {
    const source = apply(before, this, []);
    return source instanceof window.MessagePort ? source : seenFromHere(source);
  },
});
redefine(window, "frameElement", {
  get: (before) => function () {
    return nativeParent(window) !== window && (isBeyond(nativeParent(window)) || runtimeOf(nativeParent(window))) ? apply(before, window, []) : null;
  },
});
override(window, "open", (before) => function (url, target, ...rest) {
  return seenFromHere(begin(apply(before, window, [url ? archived(url, "") : url, target, ...rest])));
});

// -- frames without a document of their own ----------------------------------------------------------------------------

/** Give the runtime to a window that has none: about:blank, javascript: and the like. */
const begin = (other) => {
  try {
    if (other && !runtimeOf(other) && other.document && !ADDRESS.test(other.location.pathname)) boot(other, {...config, url: baseOf(), modifier: "if"});
  } catch {}
  return other;
};
for (const owner of ["HTMLIFrameElement", "HTMLFrameElement", "HTMLObjectElement"]) {
  redefine(window[owner]?.prototype, "contentWindow", {
    get: (before) => function () {
      return seenFromHere(begin(apply(before, this, [])));
    },
  });
  redefine(window[owner]?.prototype, "contentDocument", {
    get: (before) => function () {
      const inner = apply(before, this, []);
      if (inner) begin(inner.defaultView);
      return inner;
    },
  });
}
// Whoever puts a frame into the page may use its window at once, by index.
const frameCount = uncurried(getOwnPropertyDescriptor(window, "length").get);
const framesChanged = () => {
  for (let index = frameCount(window) - 1; index >= 0; index--) begin(window[index]);
};
const FRAMES = new Set(["iframe", "frame", "object", "embed"]);
const LATER = /^about:blank#(?=data:)/i;
/** Gives a frame the document that its address holds. */
const fill = (frame) => {
  for (const attribute of ["src", "data"]) {
    const address = native.getAttribute(frame, attribute);
    if (address && LATER.test(address)) native.setAttribute(frame, attribute, convert(frame, attribute, address.replace(LATER, "")));
  }
};
/** The frames that the parser makes: of this document, which is not the first one of a frame. */
const watch = (document) => {
  const parser = new window.MutationObserver((changes) => {
    framesChanged();
    for (const {addedNodes} of changes) for (const node of addedNodes) if (FRAMES.has(node.localName)) fill(node);
  });
  parser.observe(document, {childList: true, subtree: true});
  window.addEventListener("DOMContentLoaded", () => parser.disconnect(), {capture: true, once: true});
  document.addEventListener("load", framesChanged, true); // their next documents have windows of their own
};
watch(window.document);
for (const [owner, names] of [
  [window.Node.prototype, ["appendChild", "insertBefore", "replaceChild", "moveBefore"]],
  [window.Element.prototype, ["append", "prepend", "before", "after", "replaceWith", "replaceChildren", "insertAdjacentElement", "moveBefore"]],
  [window.Document.prototype, ["append", "prepend", "replaceChildren", "moveBefore"]],
  [window.DocumentFragment.prototype, ["append", "prepend", "replaceChildren", "moveBefore"]],
  [window.Range.prototype, ["insertNode", "surroundContents"]],
]) {
  for (const name of names) {
    override(owner, name, (before) => function (...values) {
      if (this instanceof window.HTMLScriptElement || this instanceof window.HTMLStyleElement) values = values.map((value) => codeNode(this, value));
      const result = apply(before, this, values);
      framesChanged();
      return result;
    });
  }
}
const textData = getOwnPropertyDescriptor(window.CharacterData.prototype, "data");
const codeNode = (element, node) => {
  if (!(node instanceof window.Text)) return node;
  const text = apply(textData.get, node, []);
  const changed = element instanceof window.HTMLStyleElement ? (styleText(text) ?? text) : runnable(element) ? script(text) : text;
  if (changed !== text) apply(textData.set, node, [changed]);
  return node;
};

// -- messages ----------------------------------------------------------------------------------------------------------

const isWindow = (value) => {
  try {
    return typeof value === "object" && value !== null && value.window === value && typeof value.postMessage === "function";
  } catch {
    return true; // a window of another origin
  }
};
// Made in the window's own realm, so that the message comes from there whoever gave it the runtime.
const post = new window.Function("target", "message", "moved", "target.postMessage(message, '*', moved)");
const send = (target, message, where, transfer) => {
  let wanted = where;
  let moved = transfer;
  if (typeof where === "object" && where !== null && !Array.isArray(where)) {
    wanted = where.targetOrigin;
    moved = where.transfer;
  }
  wanted = wanted === undefined ? "/" : String(wanted);
  if (wanted !== "*") {
    const origin = wanted === "/" ? hereURL().origin : parsed(wanted)?.origin;
    if (origin === undefined) throw new DOMException(`Invalid target origin '${wanted}'.`, "SyntaxError");
    const there = target === window ? hereURL().origin : runtimeOf(target)?.origin;
    if (there !== undefined && origin !== there && origin !== config.reader) return undefined; // as browsers do: not for them
  }
  return post(target, message, moved ?? []);
};
redefine(window.MessageEvent.prototype, "origin", {
  get: (before) => function () {
    const origin = apply(before, this, []);
    if (origin !== config.reader) return origin;
    return runtimeOf(this.source)?.origin ?? hereURL().origin;
  },
});

// -- how rewritten scripts ask -----------------------------------------------------------------------------------------

const isLocation = (value) => value === realLocation;

/** The archived location of any window or document; undefined for everything else. */
const locationOf = (value) => {
  try {
    if (value === window || value === window.document) return location;
    if (typeof value !== "object" || value === null) return undefined;
    if (isWindow(value)) return runtimeOf(value)?.view ?? (begin(value), runtimeOf(value)?.view);
    if (value instanceof window.Document || value.nodeType === 9) return value.defaultView ? locationOf(value.defaultView) : null;
  } catch {}
  return undefined;
};

const runtime = {
  view: location,
  get origin() {
    return hereURL().origin;
  },
  location: (value) => (isLocation(value) ? location : value),
  assign: (value, set) => ({
    get value() {
      return isLocation(value) ? location : value;
    },
    set value(next) {
      if (isLocation(value)) go(next);
      else set(next);
    },
  }),
  top: (value) => (value === window.top ? archivedTop() : value),
  script,
  eval: (value) => (value === window.eval ? indirectEval : value),
  module: (specifier) => {
    const text = String(specifier);
    return /^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(text) ? archived(text, "esm") : text;
  },
  original: originalOf,
  send,
  adopt: (next) => {
    Object.assign(config, next);
    takeCookies();
    watch(window.document);
  },
  banner: {storage: native.localStorage},
};
const nativeEval = window.eval;
const indirectEval = named(function (source) {
  return nativeEval(script(source));
}, nativeEval);
defineProperty(window, "__muniment", {value: runtime, enumerable: false, configurable: false, writable: false});

const everyObject = (name, get, set) => {
  defineProperty(window.Object.prototype, name, {enumerable: false, configurable: true, get, set});
};
everyObject(
  "__muniment_location",
  function () {
    const found = locationOf(this);
    return found === undefined ? this.location : found;
  },
  function (value) {
    const found = locationOf(this);
    if (found) found.href = value;
    else this.location = value;
  },
);
everyObject(
  "__muniment_top",
  function () {
    return isWindow(this) ? archivedTop() : this.top;
  },
  function (value) {
    this.top = value;
  },
);
everyObject("__muniment_from", function () {
  return (caller) => (isWindow(this) ? {postMessage: (...values) => caller.send(this, ...values)} : this);
});

// Code made of strings.
for (const name of ["setTimeout", "setInterval"]) {
  override(window, name, (before) => function (handler, ...rest) {
    return apply(before, window, [typeof handler === "function" ? handler : script(String(handler)), ...rest]);
  });
}
const constructorOf = (make) => getPrototypeOf(make).constructor;
for (const original of [window.Function, constructorOf(async function () {}), constructorOf(function* () {}), constructorOf(async function* () {})]) {
  const rewritten = (values) => (values.length ? [...values.slice(0, -1), script(String(values.at(-1)))] : values);
  const replacement = new Proxy(original, {
    apply: (target, self, values) => Reflect.construct(original, rewritten(values)),
    construct: (target, values, made) => Reflect.construct(original, rewritten(values), made === replacement ? original : made),
  });
  disguised.set(replacement, original);
  if (original === window.Function) defineProperty(window, "Function", {value: replacement, writable: true, configurable: true, enumerable: false});
  defineProperty(original.prototype, "constructor", {value: replacement, writable: true, configurable: true, enumerable: false});
}
