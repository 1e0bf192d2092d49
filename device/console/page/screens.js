/**
 * Screens of the page by the part of the address after #: `#line`, `#unknown`, `#map`, `#item/ID`. The browser's own
 * history goes back and forth between them.
 *
 * @typedef {{ readonly title: HTMLElement, open(id: string): void, close(): void }} Screen
 */

/** @param {{ line: { element: HTMLElement } } & Record<string, { element: HTMLElement, screen?: Screen }>} screens */
export function walk(screens) {
  /** @type {{ name: string, id: string } | undefined} */
  let now;

  function enter() {
    const [name, id] = place();
    const known = Object.hasOwn(screens, name) ? name : "line";
    const before = now;
    now = { name: known, id };
    if (before !== undefined) {
      document.body.dataset.walked = "yes";
      if (before.name !== known) screens[before.name]?.screen?.close();
    }
    for (const [each, { element }] of Object.entries(screens)) element.hidden = each !== known;
    document.body.dataset.screen = known;
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".screens a"))) {
      if (link.hash === `#${known}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const { screen } = screens[known] ?? {};
    screen?.open(id);
    if (before === undefined && known === "line") return;
    // Who came by keyboard goes on from there: at the item left behind, else at the screen's beginning.
    const left =
      before?.name === "item"
        ? /** @type {HTMLElement | null} */ (
            document.querySelector(`a[href="#item/${CSS.escape(encodeURIComponent(before.id))}"]`)
          )
        : null;
    const target = known === "line" ? left : screen?.title;
    window.scrollTo(0, 0);
    target?.focus({ preventScroll: known !== "line" });
  }

  window.addEventListener("hashchange", enter);
  enter();
}

/** @returns {[name: string, id: string]} */
function place() {
  const [name = "", id = ""] = location.hash.slice(1).split("/", 2);
  try {
    return [name, decodeURIComponent(id)];
  } catch {
    return [name, ""];
  }
}
