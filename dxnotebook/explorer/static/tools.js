// @ts-check
// What is done to the jobs that are shown: choosing columns, exporting, ticking all.

import { button, h, number, Part } from "./dom.js";
import { menu } from "./menus.js";

export class Tools extends Part {
  #only = h("input", { type: "checkbox" });
  #onlyTicked = h("label", { hidden: true }, this.#only, " ticked jobs only");
  #ticked = h("span", { class: "dxn-note" });

  node = h("div", { class: "dxn-bar" },
    this.#columns(), this.#exporting(), this.#all("Tick all shown", true),
    this.#all("Untick all shown", false), this.#ticked);

  /** @param {string} label @param {boolean} isTicked */
  #all(label, isTicked) {
    return button({ onclick: () => this.on.tick(null, isTicked) }, label);
  }

  #columns() {
    const names = this.state.about.columns.map(([name]) => name);
    const picks = this.state.about.columns.map(([name, title]) => {
      const onchange = () => {
        const picked = (/** @type {string} */ other) =>
          other === name ? box.checked : this.state.columns.includes(other);
        this.on.set({ columns: names.filter(picked) });
      };
      const checked = this.state.columns.includes(name);
      const box = h("input", { type: "checkbox", checked, onchange });
      return h("label", {}, box, ` ${title}`);
    });
    return menu("Columns", { role: "group", "aria-label": "Columns" }, ...picks).node;
  }

  #exporting() {
    const options = this.state.about.formats.map((name) => h("option", {}, name));
    const format = h("select", { "aria-label": "Format" }, ...options);
    const save = (/** @type {string} */ label, /** @type {boolean} */ download) => {
      const ticked = () => !this.#onlyTicked.hidden && this.#only.checked;
      const onclick = () => this.on.save({ format: format.value, download, ticked: ticked() });
      return button({ onclick }, label);
    };
    const buttons = [save("Save beside the notebook", false), save("Download", true)];
    return menu("Export", {}, h("label", {}, "Format ", format), this.#onlyTicked, ...buttons).node;
  }

  /** @param {number} ticked */
  drawTicked(ticked) {
    this.#ticked.textContent = ticked ? `${number(ticked)} ticked` : "";
    this.#onlyTicked.hidden = !ticked;
  }
}

/** Have the browser save a file. @param {string} name @param {BlobPart} bytes */
export function download(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
