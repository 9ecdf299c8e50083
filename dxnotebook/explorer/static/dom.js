// @ts-check
// Elements, and words for numbers and times. What comes from the tables is text, never markup.

/** @import { Actions, MakeDrawing, MakeElement, State } from "./types" */

/** @type {Record<string, string>} */
export const MARKS = {
  COMPLETED: "✓", ERROR: "✕", TIMED_OUT: "◔", CANCELLED: "–", IN_PROGRESS: "▷", WAITING: "○",
};
/** @type {[number, string][]} */
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A part of the page: it reads the state, and calls back when a user wants something. */
export class Part {
  /** @param {State} state @param {Actions} on */
  constructor(state, on) {
    this.state = state;
    this.on = on;
  }
}

/**
 * Give an element its children and attributes; one that begins with "on" is a listener.
 * @template {Element} E @param {E} node @param {Record<string, any>} given @param {any[]} children
 */
function filled(node, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** @type {MakeElement} */
export const h = (tag, given, ...children) => filled(document.createElement(tag), given, children);

/** @type {MakeDrawing} */
export const s = (tag, given, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), given, children);

/** An element whose text turns no direction but its own. @param {string | null} [text] */
export const bdi = (text) => h("bdi", {}, text ?? "");
/** @param {object} more @param {...(Node | string)} children */
export const button = (more, ...children) => h("button", { type: "button", ...more }, ...children);
/** @param {string} text */
export const note = (text) => h("p", { class: "dxn-note" }, text);

/**
 * Replace what is in a node; the focus stays on the control of the same value, else of the same
 * place. Returns whether there is none for it.
 * @param {Element} node @param {...(Node | string)} children
 */
export function refill(node, ...children) {
  const controls = () => [...node.querySelectorAll(/** @type {"input"} */ ("button, input"))];
  const before = controls(), place = before.findIndex((control) => control.matches(":focus"));
  node.replaceChildren(...children);
  if (place < 0) return false;
  const { value } = before[place].dataset, after = controls();
  const same = after.find((control) => value != null && control.dataset.value === value);
  const next = same ?? after[Math.min(place, after.length - 1)];
  next?.focus();
  return !next;
}

/** @param {number} n @param {number} most */
export const clamp = (n, most) => Math.max(0, Math.min(most, n));
/** @param {string | null} state */
export const mark = (state) => MARKS[state ?? ""] ?? "◇";
/** @param {number} n */
export const number = (n) => n.toLocaleString("en-US");
/** @param {number} n @param {string} noun */
export const plural = (n, noun) => (n === 1 ? noun : `${noun}s`);
/** "1 job", "2 jobs". @param {number} n @param {string} noun */
export const counted = (n, noun) => `${number(n)} ${plural(n, noun)}`;
/** @param {number | null} share */
export const percent = (share) =>
  share == null ? "–" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** @param {number | null} seconds */
export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 60) return `${+seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds), i = UNITS.findIndex(([size]) => whole >= size);
  const [[size, unit], [part, name]] = UNITS.slice(i), rest = Math.floor((whole % size) / part);
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${name}` : ""}`;
}

/**
 * A date, with a time to the second, to the minute, or none; from milliseconds since 1970.
 * @param {number | null} at @param {string} zone @param {"medium" | "short" | null} timeStyle
 */
export function time(at, zone, timeStyle = "medium") {
  if (at == null) return "–";
  /** @type {Intl.DateTimeFormatOptions} */
  const style = { dateStyle: "short", ...(timeStyle && { timeStyle }) };
  try {
    return new Intl.DateTimeFormat("sv-SE", { ...style, timeZone: zone }).format(at);
  } catch { // a view may come from elsewhere, where there is such a zone
    return time(at, "UTC", timeStyle);
  }
}

/** A time as the kernel writes it. @param {number | Date} at */
export const iso = (at) => new Date(at).toISOString().replace("Z", "+00:00");
