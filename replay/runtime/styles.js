// Style sheets and declarations that scripts make.

for (const name of ["insertRule", "replace", "replaceSync"]) {
  override(window.CSSStyleSheet?.prototype, name, (before) => function (text, ...rest) {
    return apply(before, this, [styleText(String(text)) ?? text, ...rest]);
  });
}
override(window.CSSGroupingRule?.prototype, "insertRule", (before) => function (text, ...rest) {
  return apply(before, this, [styleText(String(text)) ?? text, ...rest]);
});
overrideClass("FontFace", (before) => ({
  construct: (target, [family, source, ...rest], made) =>
    Reflect.construct(before, [family, typeof source === "string" ? (styleText(source) ?? source) : source, ...rest], made),
}));

const styled = (value) => (typeof value === "string" ? (styleText(value) ?? value) : value);

/** Chromium gives each declaration its properties itself, where no prototype can stand in between: a view does. */
const seen = (value) => (typeof value === "string" && value.includes("url(") ? restored(value) : value);
const declarations = new WeakMap(); // declaration → view
const declared = new WeakMap(); // view → declaration
const VIEW = {
  get: (target, key) => seen(Reflect.get(target, key, target)),
  set: (target, key, value) => Reflect.set(target, key, styled(value), target),
};
const viewOf = (style) => {
  const view = new Proxy(style, VIEW);
  declared.set(view, style);
  return view;
};
const declarationView = (style) => {
  let view = declarations.get(style);
  if (!view) declarations.set(style, (view = viewOf(style)));
  return view;
};
for (const owner of ["HTMLElement", "SVGElement", "MathMLElement", "CSSStyleRule", "CSSKeyframeRule", "CSSPageRule", "CSSFontFaceRule"]) {
  redefine(window[owner]?.prototype, "style", {
    get: (before) => function () {
      const style = apply(before, this, []);
      return style && declarationView(style);
    },
    set: (before) => function (value) {
      apply(before, this, [styled(String(value))]);
    },
  });
}
override(window, "getComputedStyle", (before) => function (...values) {
  return viewOf(apply(before, window, values)); // a new one each time
});
// The browser's own code knows declarations only, not views of them.
const prototype = window.CSSStyleDeclaration.prototype;
for (const name of Reflect.ownKeys(prototype)) {
  if (name === "constructor" || name === Symbol.iterator || name === "setProperty" || name === "cssText") continue;
  const {value, get} = getOwnPropertyDescriptor(prototype, name);
  const real = (before) => function (...values) {
    return seen(apply(before, declared.get(this) ?? this, values));
  };
  if (typeof value === "function") override(prototype, name, real);
  else if (get) redefine(prototype, name, {get: real, set: real});
}
override(prototype, "setProperty", (before) => function (name, value, ...rest) {
  return apply(before, declared.get(this) ?? this, [name, value === null ? "" : styled(String(value)), ...rest]);
});
redefine(prototype, "cssText", {
  get: (before) => function () {
    return restored(apply(before, declared.get(this) ?? this, []));
  },
  set: (before) => function (value) {
    apply(before, declared.get(this) ?? this, [styled(String(value))]);
  },
});

redefine(window.CSSRule?.prototype, "cssText", {get: (before) => function () {
  return restored(apply(before, this, []));
}});

for (const name of ["set", "append"]) {
  override(window.StylePropertyMap?.prototype, name, (before) => function (property, ...values) {
    return apply(before, this, [property, ...values.map(styled)]);
  });
}
const keyframes = (frames) => {
  if (frames === null || typeof frames !== "object") return frames;
  if (frames[Symbol.iterator]) return Array.from(frames, keyframes);
  const changed = ([name, value]) => [name, Array.isArray(value) ? value.map(styled) : styled(value)];
  return Object.fromEntries(Object.entries(frames).map(changed));
};
override(window.Element.prototype, "animate", (before) => function (frames, ...rest) {
  return apply(before, this, [keyframes(frames), ...rest]);
});
overrideClass("KeyframeEffect", (before) => ({
  construct: (target, [element, frames, ...rest], made) => Reflect.construct(before, [element, keyframes(frames), ...rest], made),
}));
