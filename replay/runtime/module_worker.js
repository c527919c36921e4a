// The runtime of workers that are modules. No module binds a name for other modules, only a script does, and the only scripts
// in such a worker are those that a timer is given: what runs next waits for one, and what the page sends waits for the page.

const waiting = [];
const wait = (event) => {
  event.stopImmediatePropagation();
  waiting.push(event);
};
const TYPES = ["message", "messageerror", "connect"];
for (const type of TYPES) self.addEventListener(type, wait, true);
/** The worker's own module has run. */
export const begun = () => {
  for (const type of TYPES) self.removeEventListener(type, wait, true);
  for (const event of waiting.splice(0)) {
    const {data, origin, source, ports} = event;
    self.dispatchEvent(new MessageEvent(event.type, {data, origin, source, ports})); // one that was stopped goes on nowhere
  }
};

const {setTimeout: later} = self;
self.muniment = begin();
later("const __muniment = self.muniment; delete self.muniment");
await new Promise((done) => later(done));
