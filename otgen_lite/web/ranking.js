/* Rankings: the reader drags rows, or moves them by buttons, and compares with the true order.
   Nothing is loaded and nothing is remembered. This script stands behind each ranking, since a
   notebook shows one without a page around it; it begins each of them once.
   A row that is held stays where it is in the document and its neighbours change places with it:
   an element that is moved would lose the pointer and the focus. */
(() => {
  "use strict";

  const EDGE = 60; // px from an edge of the screen where a held row scrolls the page
  const SPEED = 10; // px a frame

  class Ranking {
    constructor(figure) {
      this.figure = figure;
      this.list = figure.querySelector("ol");
      this.start = this.rows();
      this.status = figure.querySelector(".otg-status");
      this.result = figure.querySelector(".otg-result");
      this.truth = [...this.start].sort((a, b) => a.dataset.place - b.dataset.place);
      for (const row of this.start) {
        const [up, down] = row.querySelectorAll("button");
        up.addEventListener("click", () => this.step(row, -1));
        down.addEventListener("click", () => this.step(row, 1));
        row.querySelector(".otg-grip").addEventListener("pointerdown", (e) => this.hold(row, e));
      }
      const [show, again] = figure.querySelectorAll(".otg-actions button");
      show.addEventListener("click", () => this.compare());
      again.addEventListener("click", () => this.restart());
      figure.querySelector("details").hidden = true;
      figure.querySelector(".otg-actions").hidden = false;
      figure.dataset.state = "ready";
      this.number();
    }

    rows() {
      return [...this.list.children];
    }

    /* What the buttons say follows the rows: the first cannot go up, the last not down. */
    number() {
      this.rows().forEach((row, i, all) => {
        const [up, down] = row.querySelectorAll("button");
        up.setAttribute("aria-disabled", i === 0);
        down.setAttribute("aria-disabled", i === all.length - 1);
      });
    }

    moved(row) {
      const rows = this.rows();
      this.number();
      this.hide();
      this.say(`${row.dataset.name}: place ${rows.indexOf(row) + 1} of ${rows.length}`);
    }

    say(text) {
      this.status.textContent = text;
    }

    /* What was compared is another order now. */
    hide() {
      this.result.hidden = true;
      this.result.replaceChildren();
    }

    step(row, by) {
      const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
      if (!other) return this.say(`${row.dataset.name} is ${by < 0 ? "first" : "last"} already`);
      if (by < 0) row.after(other);
      else row.before(other);
      this.moved(row);
    }

    hold(row, event) {
      if (event.button !== 0 || this.held) return;
      event.preventDefault();
      const grip = event.currentTarget;
      const before = this.rows();
      const grab = event.clientY - row.getBoundingClientRect().top;
      let y = event.clientY;
      let shift = 0;
      let frame = 0;
      this.held = row;
      row.classList.add("otg-held");
      grip.setPointerCapture(event.pointerId);
      const follow = () => {
        const height = row.offsetHeight;
        const place = () => row.getBoundingClientRect().top - shift;
        for (let other; (other = row.nextElementSibling); row.before(other)) {
          if (y - grab + height < other.getBoundingClientRect().top + other.offsetHeight / 2) break;
        }
        for (let other; (other = row.previousElementSibling); row.after(other)) {
          if (y - grab > other.getBoundingClientRect().top + other.offsetHeight / 2) break;
        }
        const box = this.list.getBoundingClientRect();
        const top = Math.max(box.top, Math.min(box.bottom - height, y - grab));
        shift = top - place();
        row.style.transform = `translateY(${shift}px)`;
      };
      const scroll = () => {
        const by = y < EDGE ? -SPEED : y > window.innerHeight - EDGE ? SPEED : 0;
        const box = this.list.getBoundingClientRect();
        if ((by < 0 && box.top < EDGE) || (by > 0 && box.bottom > window.innerHeight - EDGE)) {
          window.scrollBy(0, by);
          follow();
        }
        frame = requestAnimationFrame(scroll);
      };
      const move = (e) => {
        y = e.clientY;
        follow();
      };
      const end = () => {
        cancelAnimationFrame(frame);
        grip.removeEventListener("pointermove", move);
        for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
          grip.removeEventListener(kind, end);
        }
        row.classList.remove("otg-held");
        row.style.transform = "";
        this.held = null;
        if (this.rows().some((other, i) => other !== before[i])) this.moved(row);
      };
      grip.addEventListener("pointermove", move);
      for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
        grip.addEventListener(kind, end);
      }
      frame = requestAnimationFrame(scroll);
    }

    /* Both orders side by side, and the pairs in the wrong order. */
    compare() {
      const mine = this.rows();
      let [wrong, told, pairs] = [0, 0, 0];
      mine.forEach((first, i) => {
        for (const second of mine.slice(i + 1)) {
          pairs += 1;
          const gap = Math.abs(first.dataset.value - second.dataset.value);
          if (gap === 0 || gap <= Number(first.dataset.spread) + Number(second.dataset.spread)) {
            continue;
          }
          told += 1;
          if (Number(first.dataset.place) > Number(second.dataset.place)) wrong += 1;
        }
      });
      const table = document.createElement("table");
      table.innerHTML =
        '<thead><tr><th scope="col">Place</th><th scope="col">Your order</th>' +
        '<th scope="col">True order</th></tr></thead>';
      const body = table.createTBody();
      mine.forEach((row, i) => {
        const line = body.insertRow();
        const place = document.createElement("th");
        place.scope = "row";
        place.textContent = i + 1;
        line.append(place, this.cell(row), this.cell(this.truth[i]));
        line.classList.toggle("otg-same", row === this.truth[i]);
      });
      const verdict = document.createElement("p");
      const tau = (1 - (2 * wrong) / told).toFixed(2).replace("-", "−");
      verdict.textContent =
        `${wrong} of ${told} pairs ${told === 1 ? "is" : "are"} in the wrong order: ` +
        `Kendall’s τ is ${tau}, where 1 is the true order and −1 its reverse.`;
      const left = pairs - told;
      if (left) {
        verdict.textContent +=
          ` ${left} ${left === 1 ? "pair is" : "pairs are"} not counted, because ` +
          `the values ${this.result.dataset.untold}.`;
      }
      this.result.replaceChildren(verdict, table);
      this.result.hidden = false;
      this.say(verdict.textContent);
    }

    cell(row) {
      const cell = document.createElement("td");
      const name = row.querySelector(".otg-item").cloneNode(true);
      const value = document.createElement("span");
      value.className = "otg-amount";
      value.textContent = row.dataset.text;
      cell.append(name, value);
      return cell;
    }

    restart() {
      this.list.append(...this.start);
      this.number();
      this.hide();
      this.say("The list is back in its initial order.");
    }
  }

  const begin = () => {
    for (const figure of document.querySelectorAll("figure.otg-ranking:not([data-state])")) {
      new Ranking(figure);
    }
  };
  begin();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else setTimeout(begin, 0);
})();
