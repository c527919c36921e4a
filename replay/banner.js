// Keeps the banner of a page where it is. Runs right behind the banner's markup, which works without it.

(() => {
const script = document.currentScript;
const host = script.previousElementSibling;
script.remove();
if (window.top !== window.self) {
  host.remove();
  return;
}
const root = host.shadowRoot;
if (!root) return;
const [banner, tab, opener] = [".b", ".s", ".m"].map((name) => root.querySelector(name));
const pages = [...root.querySelectorAll(".l")];

// -- hidden or shown, as the reader left it

const KEY = "muniment.banner.hidden";
const storage = () => (typeof __muniment === "object" ? __muniment.banner.storage : localStorage);
const isHidden = () => {
  try {
    return storage().getItem(KEY);
  } catch {
    return null;
  }
};
const remember = (hidden) => {
  try {
    hidden ? storage().setItem(KEY, "1") : storage().removeItem(KEY);
  } catch {}
};
const show = (shown) => {
  shown ? banner.setAttribute("open", "") : banner.removeAttribute("open");
  tab.hidden = shown;
  lower();
};
const change = (shown) => {
  remember(!shown);
  show(shown);
  (shown ? root.querySelector("form button") : tab).focus();
};

// -- the lightbox: one page of it at a time, arrow keys, focus that stays inside

let at = -1;
const open = (number) => {
  at = number;
  pages.forEach((page, index) => {
    if (index === number) return;
    page.hidePopover();
    page.querySelector("video,audio").pause();
  });
  if (number < 0) return opener.focus();
  pages[number].showPopover();
  pages[number].querySelector(".x").focus();
};
const press = (event) => {
  if (at < 0) return;
  const page = pages[at];
  const back = getComputedStyle(page).direction === "rtl" ? "ArrowRight" : "ArrowLeft";
  if (event.key === "Escape") {
    event.preventDefault();
    open(-1);
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    if (event.target.matches("video,audio")) return;
    event.preventDefault();
    const next = at + (event.key === back ? -1 : 1);
    if (pages[next]) open(next);
  } else if (event.key === "Tab") {
    // Only at its ends: between them lie a player's own buttons, such as that of its captions.
    const stops = [...page.querySelectorAll("button,video,audio,a")];
    if (event.shiftKey) stops.reverse();
    if (stops.includes(root.activeElement) && root.activeElement !== stops.at(-1)) return;
    event.preventDefault();
    stops[0].focus();
  }
};
const opens = (button, number) => {
  if (!button) return;
  button.onclick = (event) => {
    event.preventDefault();
    open(number);
  };
};

// document.open() takes all listeners away, so this is done again whenever the banner comes back.
const listen = () => {
  banner.onclose = () => change(false);
  tab.onclick = () => change(true);
  opens(opener, 0);
  pages.forEach((page, index) => {
    opens(page.querySelector(".x"), -1);
    opens(page.querySelector(".p"), index - 1);
    opens(page.querySelector(".n"), index + 1);
  });
  root.addEventListener("keydown", press);
  for (const name of ["DOMContentLoaded", "load", "resize"]) addEventListener(name, lower);
  addEventListener("scroll", lowerSoon, {passive: true});
};

// -- its place: the end of head, shown as if it stood before body; what the page removes or changes comes back

const STYLE = host.getAttribute("style");
const AS_IF_NOT_THERE = "display:contents!important";
const sheet = new CSSStyleSheet();
sheet.replaceSync("head>:not(muniment-banner){display:none!important}");
let repairs = 200; // a page that will not have it gets its way, rather than the reader a browser that hangs
const home = () => {
  watch.disconnect();
  const {documentElement, head} = document;
  for (const node of [document, documentElement]) if (node) watch.observe(node, {childList: true});
  if (!head) return;
  if (host.parentNode !== head && repairs-- > 0) {
    head.append(host);
    listen();
  }
  for (const [node, style] of [[host, STYLE], [head, AS_IF_NOT_THERE]]) {
    if (node.getAttribute("style") !== style && repairs-- > 0) node.setAttribute("style", style);
  }
  for (const {name} of [...host.attributes]) if (name !== "style" && repairs-- > 0) host.removeAttribute(name);
  if (head.inert && repairs-- > 0) head.inert = false;
  if (!document.adoptedStyleSheets.includes(sheet) && repairs-- > 0) document.adoptedStyleSheets.push(sheet);
  watch.observe(head, {childList: true, attributes: true});
  watch.observe(host, {attributes: true});
};
const watch = new MutationObserver(home);

// -- what the page has fixed to the top of the window stands below the banner, as long as that is in view

const lowered = new Map(); // element → its animation and what that was made for
const fixedAt = (x, y) => {
  let found = null;
  for (let node = document.elementsFromPoint(x, y).find((element) => element !== host); node; node = node.parentElement) {
    if (getComputedStyle(node).position === "fixed") found = node;
  }
  return found;
};
const lower = () => {
  const {clientWidth, clientHeight, scrollHeight} = document.documentElement;
  const height = banner.hasAttribute("open") ? banner.offsetHeight : 0;
  const scrolls = scrollHeight > clientHeight + height / 2;
  const made = `${height} ${scrolls}`;
  for (const [element, [animation, before]] of lowered) {
    if (before === made && element.isConnected && getComputedStyle(element).position === "fixed") continue;
    animation.cancel();
    lowered.delete(element);
  }
  if (!height || (scrolls && (!window.ScrollTimeline || scrollY > height))) return;
  for (let part = 1; part < 10; part += 2) {
    for (const y of [1, height / 2, height - 1]) {
      const element = fixedAt((clientWidth * part) / 10, y);
      if (!element || lowered.has(element) || element.getBoundingClientRect().top >= height - scrollY) continue;
      const steps = {translate: [`0 ${height}px`, scrolls ? "0 0" : `0 ${height}px`]};
      const timing = scrolls
        ? {timeline: new ScrollTimeline({source: document.documentElement}), rangeStart: "0px", rangeEnd: `${height}px`}
        : {duration: 1};
      lowered.set(element, [element.animate(steps, {...timing, fill: "both", composite: "add"}), made]);
    }
  }
};
let later = 0;
const lowerSoon = () => {
  later ||= setTimeout(() => {
    later = 0;
    lower();
  }, 300);
};

show(!isHidden());
home();
new MutationObserver(lowerSoon).observe(document, {childList: true, subtree: true});
})();
