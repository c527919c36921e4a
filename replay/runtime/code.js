// Code that a page makes of strings, and what rewritten modules ask.

const NAMES = /location|postMessage|eval|import|top|__muniment|\\u(?:00[4-7]|\{0*[4-7])/;

/** Pages give the same handlers to many elements. */
const rewritten = new Map();
const KEPT = 500;
/** How the addresses of modules begin. */
const home = () => `${config.prefix}${config.timestamp}esm_/http`;

/** Code that is about to run, as the archive runs it. The server rewrites it, by the same rules as all scripts. */
const script = (source) => {
  if (window.trustedTypes?.isScript(source)) source = String(source);
  if (typeof source !== "string" || !NAMES.test(source)) return source;
  const known = rewritten.get(source);
  if (known !== undefined) return known;
  const request = new native.XMLHttpRequest();
  // Nothing that a browser would ask leave for first: what is in a sandbox has no origin.
  const page = new window.URLSearchParams({page: `${config.prefix}${config.timestamp}/${baseOf()}`});
  apply(native.open, request, ["POST", `${config.reader}/-/rewrite/js?${page}`, false]);
  attempt(() => apply(native.send, request, [source])); // none is sent from a page that is being left
  if (native.status(request) !== 200) return source;
  // Not from the root, which is nowhere in a document or worker made of text.
  let result = native.responseText(request);
  for (const quote of ['"', "'"]) result = result.replaceAll(quote + home(), quote + config.reader + home());
  if (rewritten.size >= KEPT) rewritten.clear();
  if (source.length < 100000) rewritten.set(source, result);
  return result;
};

const nativeEval = window.eval;
const indirectEval = named(function (source) {
  return nativeEval(script(source));
}, nativeEval);

for (const name of ["setTimeout", "setInterval"]) {
  override(window, name, (before) => function (handler, ...rest) {
    return apply(before, window, [typeof handler === "function" ? handler : script(String(handler)), ...rest]);
  });
}
const constructorOf = (make) => getPrototypeOf(make).constructor;
for (const original of [window.Function, ...KINDS_OF_FUNCTIONS.map(constructorOf)]) {
  const changed = (values) => (values.length ? [...values.slice(0, -1), script(String(values.at(-1)))] : values);
  const replacement = new Proxy(original, {
    apply: (target, self, values) => Reflect.construct(original, changed(values)),
    construct: (target, values, made) => Reflect.construct(original, changed(values), made === replacement ? original : made),
  });
  disguised.set(replacement, original);
  if (original === window.Function) defineProperty(window, "Function", {value: replacement, writable: true, configurable: true, enumerable: false});
  defineProperty(original.prototype, "constructor", {value: replacement, writable: true, configurable: true, enumerable: false});
}

// -- modules -----------------------------------------------------------------------------------------------------------

/** What `import()` is given: whole addresses as those of the archive; bare names and relative ones find their way. */
const module = (specifier, own) => {
  const text = String(specifier);
  return /^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(text) ? archived(text, "esm", own) : text;
};
const metas = new WeakSet();
/** `import.meta`, which tells where the module was captured. */
const meta = (own) => {
  if (metas.has(own)) return own;
  metas.add(own);
  const {resolve} = own;
  own.url = originalOf(own.url);
  if (resolve) own.resolve = named((specifier) => originalOf(resolve(module(specifier, own.url))), resolve);
  return own;
};
