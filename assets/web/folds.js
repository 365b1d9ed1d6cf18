/* A link into a folded box opens it: the number of an equation in a proof, say. */
(() => {
  "use strict";

  function unfold() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let box = target; box; box = box.parentElement) {
      if (box.tagName === "DETAILS") box.open = true;
      if (box.classList.contains("toggle-hidden")) box.querySelector(".toggle-button")?.click();
    }
    target.scrollIntoView();
  }

  addEventListener("hashchange", unfold);
  addEventListener("load", () => location.hash && unfold());
})();
