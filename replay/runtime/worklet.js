// The runtime of worklets, which have no address and reach nobody: what rewritten scripts ask for, and nothing more.

globalThis.__muniment ??= {
  of: (value) => value,
  location: (value) => value,
  top: (value) => value,
  script: (value) => value,
  eval: (value) => value,
  module: (value) => value,
  meta: (value) => value,
};
