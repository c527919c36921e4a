// The nets: what escaped the rewriting is turned into an address of the archive before it leaves.

/** A whole address that leads out of the archive, or past it. */
const leaves = (target) =>
  WEB.test(target.protocol) && (target.origin !== config.reader || !(ADDRESS.test(target.pathname) || target.pathname.startsWith("/-/")));

// Links of the banner lead where they say.
let ofBanner = false;
const noteBanner = (event) => {
  ofBanner = event.composedPath().some((element) => element.localName === "muniment-banner");
  if (ofBanner) native.setTimeout(() => (ofBanner = false));
};

// -- navigations -------------------------------------------------------------------------------------------------------

window.navigation?.addEventListener("navigate", (event) => {
  const target = parsed(destinationURL(event.destination));
  if (ofBanner || !target || !event.cancelable || event.hashChange || !/^(?:push|replace)$/.test(event.navigationType) || !leaves(target)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  native.setTimeout(() => {
    realLocation.href = archived(target.href, pageModifier());
  });
});

// -- elements ----------------------------------------------------------------------------------------------------------

const real = (element, value) => parsed(value, native.baseURI(element))?.href ?? value;

/** Attributes of an element that lead out, led back; true when there were any. */
const mend = (element) => {
  const name = native.localName(element).toLowerCase();
  let found = false;
  for (const attribute in Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : {}) {
    const value = native.getAttribute(element, attribute);
    if (value === null || attribute === "srcdoc" || attribute === "type") continue;
    if (SCRIPT_URL.test(value) && value.includes("__muniment")) continue; // it is led back already
    const whole = ATTRIBUTES[name][attribute] === "=srcset" ? value.replace(CANDIDATE, (all, before, url) => before + real(element, url)) : real(element, value);
    const changed = attributeValue(name, attribute, whole, (other) => native.getAttribute(element, other));
    if (changed === null || changed === value) continue;
    remember(element, attribute, value, changed);
    native.setAttribute(element, attribute, changed);
    found = true;
  }
  return found;
};

// Links in new windows, where no navigation tells of itself, and forms.
const mendPath = (event) => {
  noteBanner(event);
  if (ofBanner) return;
  for (const element of [...event.composedPath(), event.submitter]) if (element instanceof window.Element) mend(element);
};
override(window.HTMLFormElement.prototype, "submit", (before) => function () {
  mend(this);
  return apply(before, this, []);
});

// What the wall stopped is asked for again, in the archive. The page hears only how that ends.
const ATTEMPTS = new WeakSet();
const mendFailed = (event) => {
  const element = event.target;
  if (!(element instanceof window.Element) || ATTEMPTS.has(element)) return;
  ATTEMPTS.add(element);
  if (!mend(element)) return;
  event.stopImmediatePropagation();
  if (native.localName(element) !== "script") return;
  const again = window.document.createElement("script"); // one that has failed is not run again
  for (const name of element.getAttributeNames()) native.setAttribute(again, name, native.getAttribute(element, name));
  ATTEMPTS.add(again);
  element.replaceWith(again);
};

/** Before anybody else: at the start, and again when the document is begun anew. */
const listen = () => {
  for (const type of ["click", "auxclick", "contextmenu", "submit"]) window.addEventListener(type, mendPath, true);
  window.addEventListener("error", mendFailed, true);
  window.addEventListener("storage", hearStorage, true);
  window.document.addEventListener("load", framesChanged, true); // their next documents have windows of their own
};
listen();
