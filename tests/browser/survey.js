// All that a script can name without knowing what to look for: every property of the global object, of all functions and
// prototypes that can be reached from it, and how each is made. A line each, by the shortest way to it.

var survey = (() => {
  const {ownKeys, getOwnPropertyDescriptor, getPrototypeOf} = Reflect;
  const textOf = Function.prototype.toString;
  const keyOf = (key) => (typeof key === "symbol" ? `[${String(key)}]` : `.${key}`);
  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
  const kind = (value) => (value === null ? "null" : typeof value);
  const ofFunction = (made) => {
    let news = "new";
    try {
      Reflect.construct(Object, [], made);
    } catch {
      news = "";
    }
    return `${textOf.call(made).slice(0, 200)} ${news}`;
  };

  /** @param root global object */
  return (root = globalThis) => {
    const lines = [];
    const seen = new Map([[root, "globalThis"]]);
    const waiting = [root];
    const reach = (value, path) => {
      if (!isObject(value)) return kind(value);
      const known = seen.get(value);
      if (known !== undefined) return `is ${known}`;
      seen.set(value, path);
      waiting.push(value);
      return kind(value);
    };
    const property = (object, key, path) => {
      // A frame, which is another place to look; and what Chromium makes sooner or later, each time another way.
      if (object === root && /^(?:\d+|chrome)$/.test(String(key))) return;
      const {value, get, set, ...flags} = getOwnPropertyDescriptor(object, key);
      const said = Object.keys(flags).filter((flag) => flags[flag]).join(" ");
      if (get || set) {
        lines.push(`${path} ${said} get ${reach(get, `${path}<get>`)} set ${reach(set, `${path}<set>`)}`);
        if (object === root && get) {
          // The document, the navigator and others: who they are, and what is theirs.
          let found;
          try {
            found = root[key];
          } catch {}
          if (isObject(found) && !seen.has(found)) {
            lines.push(`${path}<value> ${reach(getPrototypeOf(found), `${path}<prototype>`)}`);
            for (const own of ownKeys(found)) lines.push(`${path}<value>${keyOf(own)}`);
          }
        }
        return;
      }
      const isShown = typeof object === "function" && (key === "name" || key === "length");
      lines.push(`${path} ${said} ${isShown ? String(value) : reach(value, path)}`);
    };
    while (waiting.length) {
      const object = waiting.shift();
      const path = seen.get(object);
      if (typeof object === "function") lines.push(`${path}() ${ofFunction(object)}`);
      lines.push(`${path}<prototype> ${reach(getPrototypeOf(object), `${path}<prototype>`)}`);
      for (const key of ownKeys(object)) property(object, key, path + keyOf(key));
      // What only a loop over everything meets.
      if (object === root) for (const key in object) lines.push(`in ${key}`);
    }
    return [...new Set(lines)];
  };
})();
