// What the theme leaves to be desired where a page is read by ear or by keyboard.
const named = (what) => (nav, number) => {
  const label = `${what} ${number + 1}`; // landmarks of one kind need names of their own
  if (nav.getAttribute("aria-label") === label) return;
  nav.removeAttribute("aria-labelledby");
  nav.setAttribute("aria-label", label);
};
const mend = () => {
  document.querySelectorAll(".md-typeset :not(pre) > code").forEach((code) => { // such as "--quiet"
    if (code.textContent.length < 30) code.classList.add("short");
  });
  document.querySelectorAll("nav.md-nav .md-nav").forEach(named("Contents"));
  document.querySelectorAll("nav.md-code__nav").forEach(named("Code"));
  const wide = ".md-typeset__scrollwrap, .scroll, table.dataframe";
  document.querySelectorAll(wide).forEach((one) => { one.tabIndex = 0; });
};
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
