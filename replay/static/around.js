// Day pop-ups close with Escape and when something else is pressed; without this script they close as they open.
const open = () => document.querySelector('details[name="day"][open]');
document.addEventListener("keydown", (event) => {
  const day = event.key === "Escape" && open();
  if (day) {
    day.open = false;
    day.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  const day = open();
  if (day && !day.contains(event.target)) day.open = false;
});
document.querySelector(".bars [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Two pictures of a page, one over the other, with a line between them that is moved by hand or by key.
const laid = document.querySelector(".laid");
if (laid) {
  const pair = document.querySelector(".pair");
  const [over, line] = laid.querySelectorAll("input");
  const place = () => pair.style.setProperty("--at", `${line.value}%`);
  over.onchange = () => {
    pair.classList.toggle("over", over.checked);
    line.closest("label").hidden = !over.checked;
    place();
  };
  line.oninput = place;
  laid.hidden = false;
  over.onchange();
}
