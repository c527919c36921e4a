// The runtime of worklets, which have no address and reach nobody: what rewritten scripts ask for, and nothing more. Each of
// their modules imports it, since no script of theirs could bind a name for all.

export default {
  of: (value) => value,
  location: (value) => value,
  place: (value) => value,
  assign: (value, set) => ({
    get value() {
      return value;
    },
    set value(next) {
      set(next);
    },
  }),
  it: undefined,
  key: Symbol(),
  top: (value) => value,
  script: (value) => value,
  eval: (value) => value,
  module: (value) => value,
  meta: (value) => value,
};
