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
