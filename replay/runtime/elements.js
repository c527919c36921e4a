// Attributes and properties of elements: written as archive addresses, read as archived ones.

/** Element → attribute name → what the page wrote, so that it reads its own spelling back. */
const written = new WeakMap();

const remember = (element, attribute, before, after) => {
  let values = written.get(element);
  if (!values) written.set(element, (values = new Map()));
  values.set(attribute, [before, after]);
};

/** What the page wrote, as long as nobody else changed it. */
const spelling = (element, attribute, value) => {
  const known = written.get(element)?.get(attribute);
  return known && known[1] === value ? known[0] : undefined;
};

const isRewritten = (name, attribute) =>
  attribute === "style" || (Object.hasOwn(ATTRIBUTES, name) && attribute in ATTRIBUTES[name]);

const convert = (element, attribute, value) => {
  const name = native.localName(element).toLowerCase();
  const result = attributeValue(name, attribute, value, (other) => native.getAttribute(element, other));
  if (result !== null) remember(element, attribute, value, result);
  return result ?? value;
};

const readBack = (element, attribute, value) => {
  if (typeof value !== "string") return value;
  const known = spelling(element, attribute, value);
  if (known !== undefined) return known;
  if (!isRewritten(native.localName(element), attribute)) return value;
  if (attribute === "type") return value.replace(/^archived\//, "");
  if (attribute === "srcset" || attribute === "imagesrcset" || attribute === "style" || attribute === "srcdoc") return restored(value);
  if (value.startsWith("about:blank#data:")) return value.slice("about:blank#".length);
  return respelled(value.startsWith("/") ? originalOf(config.reader + value).replace(config.reader, "") : originalOf(value));
};

override(window.Element.prototype, "setAttribute", (before) => function (attribute, value) {
  const key = String(attribute).toLowerCase();
  if (DISARMED.has(key) && key !== "nonce" && ["script", "link"].includes(native.localName(this))) {
    return apply(before, this, [`data-archived-${key}`, value]);
  }
  const result = apply(before, this, [attribute, convert(this, key, String(value))]);
  renewed(this, key);
  return result;
});
override(window.Element.prototype, "setAttributeNS", (before) => function (namespace, attribute, value) {
  const key = String(attribute).toLowerCase();
  return apply(before, this, [namespace, attribute, convert(this, key, String(value))]);
});
override(window.Element.prototype, "getAttribute", (before) => function (attribute) {
  return readBack(this, String(attribute).toLowerCase(), apply(before, this, [attribute]));
});
override(window.Element.prototype, "getAttributeNS", (before) => function (namespace, attribute) {
  return readBack(this, String(attribute).toLowerCase(), apply(before, this, [namespace, attribute]));
});

// Attributes as nodes.
const attributeText = getOwnPropertyDescriptor(window.Attr.prototype, "value");
const isAttribute = (node) => node instanceof window.Attr;
for (const [owner, name] of [[window.Attr.prototype, "value"], [window.Node.prototype, "nodeValue"], [window.Node.prototype, "textContent"]]) {
  redefine(owner, name, {
    get: (before) => function () {
      const value = apply(before, this, []);
      return isAttribute(this) && this.ownerElement ? readBack(this.ownerElement, this.name.toLowerCase(), value) : value;
    },
    set: (before) => function (value) {
      const element = isAttribute(this) ? this.ownerElement : null;
      apply(before, this, [element ? convert(element, this.name.toLowerCase(), String(value)) : value]);
    },
  });
}
const settle = (element, node) => {
  if (!element || !isAttribute(node) || node.ownerElement === element) return;
  const value = apply(attributeText.get, node, []);
  apply(attributeText.set, node, [convert(element, node.name.toLowerCase(), value)]);
};
const mapOwners = new WeakMap();
redefine(window.Element.prototype, "attributes", {
  get: (before) => function () {
    const map = apply(before, this, []);
    mapOwners.set(map, this);
    return map;
  },
});
for (const [owner, names] of [
  [window.Element.prototype, ["setAttributeNode", "setAttributeNodeNS"]],
  [window.NamedNodeMap.prototype, ["setNamedItem", "setNamedItemNS"]],
]) {
  for (const name of names) {
    override(owner, name, (before) => function (node) {
      settle(mapOwners.get(this) ?? this, node);
      return apply(before, this, [node]);
    });
  }
}

/** Elements that no parser of ours has seen: of XML, and of style sheets for it. */
const XHTML = "http://www.w3.org/1999/xhtml", SVG = "http://www.w3.org/2000/svg";
const adopted = (root) => {
  for (const namespace of root?.getElementsByTagNameNS ? [XHTML, SVG] : []) {
    for (const element of root.getElementsByTagNameNS(namespace, "*")) convertAll(element);
  }
  if (root?.nodeType === 11) for (const element of root.querySelectorAll("*")) convertAll(element);
  return root;
};
const convertAll = (element) => {
  for (const name of element.getAttributeNames()) {
    const value = native.getAttribute(element, name);
    const changed = convert(element, name.toLowerCase(), value);
    if (changed !== value) native.setAttribute(element, name, changed);
  }
};
for (const name of ["transformToFragment", "transformToDocument"]) {
  override(window.XSLTProcessor?.prototype, name, (before) => function (...values) {
    return adopted(apply(before, this, values));
  });
}
override(window.DOMParser.prototype, "parseFromString", (before) => function (text, type) {
  const made = apply(before, this, [text, type]);
  return /xml/i.test(type) ? adopted(made) : made;
});
redefine(window.XMLHttpRequest.prototype, "responseXML", {
  get: (before) => function () {
    const made = apply(before, this, []);
    if (made && !mended.has(made)) mended.add(adopted(made));
    return made;
  },
});
const mended = new WeakSet();

// In SVG an address is an object of its own.
const animatedOwners = new WeakMap();
for (const name of ["SVGAElement", "SVGImageElement", "SVGScriptElement", "SVGUseElement", "SVGFEImageElement"]) {
  redefine(window[name]?.prototype, "href", {
    get: (before) => function () {
      const value = apply(before, this, []);
      animatedOwners.set(value, this);
      return value;
    },
  });
}
for (const name of ["baseVal", "animVal"]) {
  redefine(window.SVGAnimatedString.prototype, name, {
    get: (before) => function () {
      const value = apply(before, this, []);
      const element = animatedOwners.get(this);
      return element ? readBack(element, "href", value) : value;
    },
    set: (before) => function (value) {
      const element = animatedOwners.get(this);
      apply(before, this, [element ? convert(element, "href", String(value)) : value]);
    },
  });
}

/** A script or stylesheet that changes its kind after its address was set is asked for as what it is now. */
const renewed = (element, attribute) => {
  const name = native.localName(element);
  const depends = (name === "script" && attribute === "type") || (name === "link" && (attribute === "rel" || attribute === "as"));
  if (!depends) return;
  const own = name === "script" ? "src" : "href";
  const value = native.getAttribute(element, own);
  if (value === null) return;
  const original = spelling(element, own, value) ?? originalOf(parsed(value, config.reader)?.href ?? value);
  native.setAttribute(element, own, convert(element, own, original));
};

overrideClass("Audio", (before) => ({
  construct: (target, [source], made) => {
    const audio = Reflect.construct(before, [], made);
    if (source !== undefined) audio.src = source;
    return audio;
  },
}));

/** Properties that reflect an attribute. */
const REFLECTED = [
  ["HTMLAnchorElement", "href"], ["HTMLAreaElement", "href"], ["HTMLAnchorElement", "ping"], ["HTMLAreaElement", "ping"],
  ["HTMLBaseElement", "href"], ["HTMLLinkElement", "href"], ["HTMLLinkElement", "imageSrcset"], ["HTMLImageElement", "src"],
  ["HTMLImageElement", "srcset"], ["HTMLImageElement", "lowsrc"], ["HTMLScriptElement", "src"], ["HTMLIFrameElement", "src"],
  ["HTMLIFrameElement", "srcdoc"], ["HTMLFrameElement", "src"], ["HTMLEmbedElement", "src"], ["HTMLObjectElement", "data"],
  ["HTMLMediaElement", "src"], ["HTMLVideoElement", "poster"], ["HTMLSourceElement", "src"], ["HTMLSourceElement", "srcset"],
  ["HTMLTrackElement", "src"], ["HTMLInputElement", "src"], ["HTMLInputElement", "formAction"],
  ["HTMLButtonElement", "formAction"], ["HTMLFormElement", "action"], ["HTMLBodyElement", "background"],
  ["HTMLMetaElement", "content"],
];
const ADDRESS_LISTS = new Set(["srcset", "imageSrcset", "srcdoc", "ping", "content"]);
for (const [owner, property] of REFLECTED) {
  const attribute = property.toLowerCase();
  redefine(window[owner]?.prototype, property, {
    get: (before) => function () {
      const value = apply(before, this, []);
      if (typeof value !== "string") return value;
      if (ADDRESS_LISTS.has(property)) return readBack(this, attribute, native.getAttribute(this, attribute) ?? "");
      if (/^(?:blob|about):/.test(value)) return readBack(this, attribute, native.getAttribute(this, attribute) ?? value);
      return originalOf(value);
    },
    set: (before) => function (value) {
      apply(before, this, [convert(this, attribute, String(value))]);
    },
  });
}

redefine(window.HTMLScriptElement.prototype, "type", {
  get: (before) => function () {
    return readBack(this, "type", apply(before, this, []));
  },
  set: (before) => function (value) {
    apply(before, this, [convert(this, "type", String(value))]);
    renewed(this, "type");
  },
});
for (const property of ["rel", "as"]) {
  redefine(window.HTMLLinkElement.prototype, property, {
    set: (before) => function (value) {
      apply(before, this, [value]);
      renewed(this, property);
    },
  });
}
for (const [owner, property] of [
  ["HTMLImageElement", "currentSrc"], ["HTMLMediaElement", "currentSrc"], ["StyleSheet", "href"], ["CSSImportRule", "href"],
]) {
  redefine(window[owner]?.prototype, property, {
    get: (before) => function () {
      const value = apply(before, this, []);
      return value === null ? null : originalOf(value);
    },
  });
}
redefine(window.HTMLScriptElement.prototype, "integrity", {set: () => function () {}});
redefine(window.HTMLLinkElement.prototype, "integrity", {set: () => function () {}});
for (const owner of ["HTMLScriptElement", "HTMLLinkElement"]) {
  redefine(window[owner].prototype, "crossOrigin", {set: () => function () {}});
}

// The text of a script element is code that is about to run; that of a style element is a style sheet.
for (const [owner, property] of [
  [window.HTMLScriptElement.prototype, "text"],
  [window.HTMLScriptElement.prototype, "textContent"],
  [window.HTMLScriptElement.prototype, "innerText"],
  [window.Node.prototype, "textContent"],
  [window.HTMLElement.prototype, "innerText"],
]) {
  redefine(owner, property, {
    set: (before) => function (value) {
      let text = value;
      if (this instanceof window.HTMLScriptElement) text = codeOf(this, value);
      else if (this instanceof window.HTMLStyleElement) text = styleText(String(value)) ?? value;
      apply(before, this, [text]);
    },
  });
}
const codeOf = (element, text) => code(String(text), native.getAttribute(element, "type"));

// Parts of the address of a link.
for (const owner of ["HTMLAnchorElement", "HTMLAreaElement"]) {
  const prototype = window[owner].prototype;
  const href = getOwnPropertyDescriptor(prototype, "href");
  for (const part of ["protocol", "host", "hostname", "port", "pathname", "search", "origin", "username", "password"]) {
    redefine(prototype, part, {
      get: (before) => function () {
        const whole = parsed(apply(href.get, this, []));
        return whole ? whole[part] : apply(before, this, []);
      },
      set: () => function (value) {
        const whole = parsed(apply(href.get, this, []));
        if (!whole) return;
        whole[part] = value;
        apply(href.set, this, [whole.href]);
      },
    });
  }
  override(prototype, "toString", () => function () {
    return apply(href.get, this, []);
  });
}

// Selectors that look for addresses find them as the page wrote them.
const ADDRESS_SELECTOR = /\[\s*(href|src|action|poster|data)\s*(\^=|=)\s*(?:"([^"]*)"|'([^']*)'|([^\s"'\]]+))\s*(i?)\s*\]/gi;
const selectorOf = (selector) => {
  const text = String(selector);
  if (!/\[\s*(?:href|src|action|poster|data)\s*\^?=/i.test(text)) return text;
  return text.replace(ADDRESS_SELECTOR, (all, attribute, operator, double, single, bare, flag) => {
    const value = double ?? single ?? bare;
    if (!value || value.startsWith("#") || value.startsWith("//") || /^(?!https?:)[a-z][a-z0-9+.-]*:/i.test(value)) return all;
    const having = (start) => `[${attribute}${operator === "=" ? "$=" : "*="}"${(start + value).replace(/["\\]/g, "\\$&")}" ${flag}]`;
    if (/^https?(?::|$)/i.test(value)) return `:is(${all},${having("/")}):where(:not([${attribute}*="/%2e/" i]))`;
    // All addresses that the server wrote begin with a slash.
    if (value.startsWith("/")) return `:is(${all}:where(:not([${attribute}*="/http:"],[${attribute}*="/https:"])),${having("/%2E")})`;
    return `:is(${all},${having("/%2e/")})`;
  });
};
for (const owner of [window.Document.prototype, window.Element.prototype, window.DocumentFragment.prototype]) {
  for (const name of ["querySelector", "querySelectorAll", "matches", "closest"]) {
    override(owner, name, (before) => function (selector, ...rest) {
      return apply(before, this, [typeof selector === "string" ? selectorOf(selector) : selector, ...rest]);
    });
  }
}
