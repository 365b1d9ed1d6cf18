/* Says of a box that scrolls sideways on which side there is more: formulas, tables, code. edges.css
   draws the sign. Without this script they scroll as well. */
(() => {
  "use strict";

  const BOXES = ".otg-fits, .pst-scrollable-table-container, .otg-wide-table, .otg-scroll, .highlight > pre";

  function look(box) {
    const hidden = box.scrollWidth - box.clientWidth;
    const left = box.scrollLeft > 1;
    const right = box.scrollLeft < hidden - 1;
    if (hidden <= 1) delete box.dataset.more;
    else box.dataset.more = left && right ? "both" : left ? "left" : "right";
  }

  // A box also changes its size when the screen turns, and when the fold it stands in is opened.
  const watcher = new ResizeObserver((seen) => seen.forEach(({ target }) => look(target)));
  for (const box of document.querySelectorAll(BOXES)) {
    watcher.observe(box);
    box.addEventListener("scroll", () => look(box), { passive: true });
  }
})();
