// Windows and frames: which of them belong to the archived site, and how they talk to each other.

const parentGetter = getOwnPropertyDescriptor(window, "parent")?.get;
const nativeParent = (other) => (parentGetter ? apply(parentGetter, other, []) : window);

const nativeTop = window.top;

/** A window on the other side of a sandbox, which answers nobody here. */
const isBeyond = (other) => {
  try {
    void other.document; // which throws there
    return false;
  } catch {
    return true;
  }
};
/** The outermost window that shows the archived site. */
const archivedTop = () => {
  let here = window;
  for (;;) {
    const parent = nativeParent(here);
    if (isBeyond(parent)) return window.top;
    if (here === parent || !runtimeOf(parent)) return here;
    here = parent;
  }
};

redefine(window, "parent", {
  get: (before) => function () {
    const parent = apply(before, this ?? window, []);
    return isBeyond(parent) || runtimeOf(parent) ? parent : window;
  },
});
redefine(window, "frameElement", {
  get: (before) => function () {
    return nativeParent(window) !== window && (isBeyond(nativeParent(window)) || runtimeOf(nativeParent(window))) ? apply(before, window, []) : null;
  },
});
override(window, "open", (before) => function (url, target, ...rest) {
  const address = url ? (SCRIPT_URL.test(url) ? scriptAddress(String(url)) : archived(url, "")) : url;
  return begin(apply(before, window, [address, target, ...rest]));
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
      return begin(apply(before, this, []));
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
  const changed = element instanceof window.HTMLStyleElement ? (styleText(text) ?? text) : codeOf(element, text);
  if (changed !== text) apply(textData.set, node, [changed]);
  return node;
};
