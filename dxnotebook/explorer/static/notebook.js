// @ts-check
// What the explorer needs in a notebook.

/** Keep JupyterLab's shortcuts out: they heed the focused element only. @param {Element} root */
export function keepKeys(root) {
  root.addEventListener("focusin", ({ target }) =>
    /** @type {Element} */ (target).setAttribute("data-lm-suppress-shortcuts", "true"));
}

/** Hide what is for readers without a kernel, beside a live explorer. @param {HTMLElement} el */
export function hidePreview(el) {
  /** @type {Element | null} */ let node = el;
  for (; node && !node.matches(".jp-OutputArea"); node = node.parentElement) {
    const before = node.previousElementSibling, isPreview = before?.matches(".dxn-preview");
    const preview = isPreview ? before : before?.querySelector(".dxn-preview");
    if (preview) return preview.setAttribute("hidden", "");
  }
}
