/* Says of a formula that does not fit on which side there is more. The formula itself needs no script. */
(() => {
  "use strict";

  function look(box) {
    const hidden = box.scrollWidth - box.clientWidth;
    const left = box.scrollLeft > 1;
    const right = box.scrollLeft < hidden - 1;
    if (hidden <= 1) delete box.dataset.more;
    else box.dataset.more = left && right ? "both" : left ? "left" : "right";
  }

  // A box also changes its size when the screen turns, and when the fold it stands in is opened.
  const watcher = new ResizeObserver((seen) => seen.forEach(({ target }) => look(target)));
  for (const box of document.querySelectorAll(".otg-fits")) {
    watcher.observe(box);
    box.addEventListener("scroll", () => look(box), { passive: true });
  }
})();
