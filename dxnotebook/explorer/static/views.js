// @ts-check
// The view: the parts of the state that are kept, by the kernel and wherever else.

/** @import { Change, Filters, State, View } from "./types" */

/** @type {(keyof View)[]} */
export const PARTS = ["filters", "sort", "columns", "widths", "zone", "group", "group_sort", "zoom", "job"];

/** @param {State | View} state @returns {View} */
export const viewOf = (state) =>
  /** @type {any} */ (Object.fromEntries(PARTS.map((name) => [name, state[name]])));

/** Where a browser keeps the view of a cell, for when it runs again. @param {string} key */
const placeOf = (key) => `dxnotebook-${key}`;
/** Cells of other pages may have the same key. @param {string} key */
const keptAt = (key) => placeOf(location.pathname + key);

/**
 * The view that the address has for an explorer, or else that which its cell showed before; the
 * kernel checks it.
 * @param {string} key @returns {object | null}
 */
export function viewBefore(key) {
  try {
    const linked = new URLSearchParams(location.hash.slice(1)).get(placeOf(key));
    return JSON.parse(linked ?? sessionStorage.getItem(keptAt(key)) ?? "null");
  } catch {
    return null; // no view, or nothing may be kept
  }
}

/** @param {string} key @param {object} brief */
export function keepView(key, brief) {
  try {
    sessionStorage.setItem(keptAt(key), JSON.stringify(brief));
  } catch { /* nothing may be kept */ }
}

/** The address of a view. @param {string} key @param {object} brief */
export function linkTo(key, brief) {
  const page = location.href.split("#")[0];
  return `${page}#${new URLSearchParams({ [placeOf(key)]: JSON.stringify(brief) })}`;
}

/** What filters leave out, or what they show. @param {Filters} filters @param {boolean} isOut */
export const sideOf = (filters, isOut) => (isOut ? filters.not : filters) ?? {};

/**
 * Filters after a change of what they leave out, or of what they show.
 * @param {Filters} filters @param {Change} change @param {boolean} isOut @returns {Filters}
 */
export function changed(filters, change, isOut) {
  const side = Object.entries({ ...sideOf(filters, isOut), ...change });
  const kept = Object.fromEntries(side.filter(([, one]) => one && Object.keys(one).length));
  return isOut ? changed(filters, { not: kept }, false) : kept;
}

/** @param {any} one @param {any} other  in whatever order they say what they say */
export const areSame = (one, other) => canonical(one) === canonical(other);

/** @param {any} value */
export const canonical = (value) => JSON.stringify(value, (_, one) =>
  one && typeof one === "object" && !Array.isArray(one)
    ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one);
