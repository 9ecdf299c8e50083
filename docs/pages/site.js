// What the theme leaves to be desired where a page is read by ear or by keyboard.
const mend = () => {
  // groups inside of a navigation are no landmarks of their own, nor is a button to copy
  for (const nav of document.querySelectorAll("nav.md-nav .md-nav, nav.md-code__nav")) {
    nav.setAttribute("role", "group");
  }
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, table.dataframe")) {
    wide.tabIndex = 0;
  }
};
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
