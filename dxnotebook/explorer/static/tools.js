// @ts-check
// What is done to the jobs that are shown: choosing columns, exporting, ticking all.

import { copied } from "./detail.js";
import { button, h, number, Part, refill } from "./dom.js";
import { menu } from "./menus.js";
import { linkTo } from "./views.js";

export class Tools extends Part {
  #only = h("input", { type: "checkbox" });
  #onlyTicked = h("label", { hidden: true }, this.#only, " ticked jobs only");
  #ticked = h("span", { class: "dxn-note" });
  #share = menu("Share", { role: "group", "aria-label": "Share this view" });

  node = h("div", { class: "dxn-bar" },
    this.#columns(), this.#exporting(), this.#share.node,
    button({ onclick: () => this.on.tick(null, true) }, "Tick all shown"),
    button({ onclick: () => this.on.tick(null, false) }, "Untick all shown"),
    this.#ticked);

  #columns() {
    const picks = this.state.about.columns.map(([name, title]) => {
      const onchange = () => {
        const names = this.state.about.columns.map(([other]) => other);
        const { columns } = this.state, isIn = box.checked;
        this.on.set({ columns: names.filter((n) => (n === name ? isIn : columns.includes(n))) });
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
    const tables = ["all tables", "jobs", "details", "errors"].map((name) => h("option", {}, name));
    const table = h("select", { "aria-label": "Tables" }, ...tables);
    const save = (/** @type {string} */ label, /** @type {boolean} */ download) => {
      const ticked = () => !this.#onlyTicked.hidden && this.#only.checked;
      const onclick = () => this.on.save({
        format: format.value, table: table.value, download, ticked: ticked(),
      });
      return button({ onclick }, label);
    };
    const buttons = [save("Download", true)];
    if (!this.state.about.read_only) buttons.unshift(save("Save beside the notebook", false));
    return menu("Export", {}, h("label", {}, "Format ", format),
      h("label", {}, "Tables ", table), this.#onlyTicked, ...buttons).node;
  }

  /** @param {string} python @param {object} brief */
  drawShare(python, brief) {
    const isPage = location.protocol.startsWith("http") && !this.node.closest(".jp-NotebookPanel");
    const link = isPage ? [copied("link", linkTo(this.state.about.key, brief))] : [];
    refill(this.#share.list, copied("as Python", python), ...link);
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
