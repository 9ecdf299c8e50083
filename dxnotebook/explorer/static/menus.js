// @ts-check
// Menus: lists that open below their title, one at a time.

import { h } from "./dom.js";

/** @param {string} title @param {object} attributes @param {...Node} children */
export function menu(title, attributes, ...children) {
  const summary = h("summary", {}, title);
  const list = h("div", { class: "dxn-list", ...attributes }, ...children);
  return { summary, list, node: h("details", { class: "dxn-menu" }, summary, list) };
}

/** Close menus when something else is used, and keep them in sight. @param {HTMLElement} root */
export function watchMenus(root) {
  const close = (/** @type {Event} */ event) => closeOthers(root, event.target);
  root.addEventListener("focusin", close);
  root.addEventListener("pointerdown", close);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !root.querySelector("details[open].dxn-menu")) return;
    closeOthers(root, null);
    event.preventDefault(); // it closes nothing else
  });
  root.addEventListener("toggle", () => placeMenus(root), true);
}

/** Keep the menu that is open within the explorer. @param {HTMLElement} root */
export function placeMenus(root) {
  for (const list of root.querySelectorAll(/** @type {"div"} */ ("details[open] > .dxn-list"))) {
    list.style.left = "0";
    const over = list.getBoundingClientRect().right - root.getBoundingClientRect().right;
    if (over > 0) list.style.left = `${-over}px`;
  }
}

/** @param {HTMLElement} root @param {EventTarget | null} target */
function closeOthers(root, target) {
  for (const node of root.querySelectorAll(/** @type {"details"} */ ("details[open].dxn-menu"))) {
    if (node.contains(/** @type {Node | null} */ (target))) continue;
    if (!target && node.querySelector(":focus")) node.querySelector("summary")?.focus();
    node.open = false;
  }
}
