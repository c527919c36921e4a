// Runs once for each page, as the first script in its head.

const mark = document.currentScript;
if (mark) {
  const {prefix, timestamp, url, cookies = "[]"} = mark.dataset;
  const script = mark.src;
  mark.remove();
  // Not the origin of the page, which has none in a sandbox.
  const reader = new URL(script).origin;
  const config = {reader, prefix, timestamp, url, script, cookies: JSON.parse(cookies), modifier: window === window.top ? "" : "if"};
  if ("__muniment" in window) window.__muniment.adopt(config);
  else boot(window, config);
}
