/* Explorers on a page without a kernel: native controls, one picture per choice.
   The frames stand as JSON in the figure, or in a script named by its data-src, which is loaded
   when the figure comes near the screen (a script, because that works from file:// too). Phones
   load the narrow drawings, named by data-src-narrow, and nothing else.
   This script waits for nothing: it stands right behind the first figure, and a call of
   otgExplorers() behind each of the others. */
(() => {
  "use strict";

  const NEAR = "800px"; // how far below the screen the frames are fetched
  const PAUSE = 400; // ms of rest before a screen reader is told the read-outs
  const PHONE = "(max-width: 600px)"; // as in page.py and figures.css
  const registry = (window.otgFrames = window.otgFrames || {});

  /* Whether this figure shows the drawings for phones. */
  function narrow(figure) {
    return "srcNarrow" in figure.dataset && window.matchMedia(PHONE).matches;
  }

  function load(figure) {
    const holder = figure.querySelector("script.otg-frames");
    if (holder) return Promise.resolve(JSON.parse(holder.textContent));
    const source = narrow(figure) ? figure.dataset.srcNarrow : figure.dataset.src;
    const key = source.split("/").pop().replace(/\.js$/, "");
    return new Promise((resolve, reject) => {
      if (registry[key]) return resolve(registry[key]);
      const script = document.createElement("script");
      script.src = source;
      script.onload = () =>
        registry[key] ? resolve(registry[key]) : reject(new Error(`${source} holds no frames`));
      script.onerror = () => reject(new Error(`${source} was not found`));
      document.head.append(script);
    });
  }

  class Explorer {
    constructor(figure) {
      this.figure = figure;
      this.controls = [...figure.querySelectorAll("[data-axis]")];
      this.image = figure.querySelector("img.otg-picture");
      this.cells = [...figure.querySelectorAll(".otg-readout td")];
      this.status = figure.querySelector(".otg-status");
      this.frames = null;
      for (const control of this.controls) control.addEventListener("input", () => this.moved());
      figure.querySelector("fieldset.otg-controls").disabled = false;
      figure.dataset.state = "waiting";
      this.loadWhenNear();
    }

    loadWhenNear() {
      const start = () => {
        watcher?.disconnect();
        this.figure.removeEventListener("focusin", start);
        this.figure.removeEventListener("pointerdown", start);
        this.load();
      };
      this.figure.addEventListener("focusin", start);
      this.figure.addEventListener("pointerdown", start);
      const watcher =
        "IntersectionObserver" in window
          ? new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && start(), {
              rootMargin: `${NEAR} 0px`,
            })
          : null;
      if (watcher) watcher.observe(this.figure);
      else start();
    }

    async load() {
      if (this.figure.dataset.state !== "waiting") return;
      this.figure.dataset.state = "loading";
      try {
        this.frames = await load(this.figure);
      } catch (error) {
        this.fail(error);
        return;
      }
      // The first picture is not among the frames: it stands on the page.
      const source = this.image.parentElement.querySelector("source");
      const first = narrow(this.figure) && source ? source : this.image;
      const address = first.getAttribute("srcset") || first.getAttribute("src");
      this.frames.pictures[0] = [
        new URL(address, document.baseURI).href,
        first.getAttribute("width"),
        first.getAttribute("height"),
      ];
      // From now on this script chooses the picture, not the browser.
      this.image.loading = "eager";
      source?.remove();
      this.figure.dataset.state = "ready";
      this.show();
    }

    fail(error) {
      this.figure.dataset.state = "failed";
      this.figure.querySelector("fieldset.otg-controls").disabled = true;
      const note = document.createElement("p");
      note.className = "otg-error";
      note.setAttribute("role", "alert");
      note.textContent = `The other frames of this figure could not be loaded: ${error.message}.`;
      this.image.parentElement.after(note);
    }

    /* Position on each axis, and the number of the frame: the last axis runs fastest. */
    position() {
      return this.controls.map((control) =>
        control.type === "range" ? Number(control.value) : control.selectedIndex,
      );
    }

    frameNumber() {
      const sizes = this.controls.map((control) =>
        control.type === "range" ? Number(control.max) + 1 : control.options.length,
      );
      return this.position().reduce((number, at, axis) => number * sizes[axis] + at, 0);
    }

    moved() {
      for (const control of this.controls) {
        if (control.type !== "range") continue;
        const text = JSON.parse(control.dataset.texts)[Number(control.value)];
        control.setAttribute("aria-valuetext", text);
        control.parentElement.querySelector("output").textContent = text;
      }
      if (!this.frames) return; // shown as soon as the frames are here
      this.show();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.announce(), PAUSE);
    }

    show() {
      const number = this.frameNumber();
      const [picture, alt, values] = this.frames.frames[number];
      const [src, width, height] = this.frames.pictures[picture];
      if (this.image.src !== src) this.image.src = src;
      this.image.width = width;
      this.image.height = height;
      this.image.alt = alt;
      this.cells.forEach((cell, row) => {
        const [text, exact, kind] = values[row] || ["–", "", ""];
        cell.textContent = text;
        cell.dataset.value = exact;
        cell.dataset.kind = kind;
      });
      this.figure.dataset.frame = number;
    }

    announce() {
      const rows = this.cells.map((cell) => `${cell.dataset.name}: ${cell.textContent}`);
      this.status.textContent = rows.length ? rows.join("; ") : this.image.alt;
    }
  }

  window.otgExplorers = begin;
  function begin() {
    for (const figure of document.querySelectorAll("figure.otg-explorer:not([data-state])")) {
      new Explorer(figure);
    }
  }

  begin();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
})();
