// Runs once for each page, as the first script in its head.

const mark = document.currentScript;
if (mark) {
  const {prefix, timestamp, url, cookies = "[]"} = mark.dataset;
  const script = mark.src;
  mark.remove();
  // Not the origin of the page, which has none in a sandbox.
  const reader = new URL(script).origin;
  const config = {reader, prefix, timestamp, url, script, modifier: window === window.top ? "" : "if"};
  if (typeof __muniment === "object") __muniment.adopt(config); // begun by the page that made the frame
  else boot(window, config);
  // What came with the response; documents inside this one came with nothing. The clock is that of the capture by now.
  if (window.location.protocol.startsWith("http")) __muniment.take(JSON.parse(cookies));
}
