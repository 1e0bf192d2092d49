/**
 * Makes an element. Texts are always text nodes: nothing that comes from the line becomes markup.
 *
 * @param {string} name tag, with classes after dots: `li.item.late`
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function make(name, attributes = {}, ...children) {
  const [tag = "", ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Sets a text only where it differs: a live region speaks on every change.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `parent`'s children exactly `children`, moving none that is in place, so that focus and scroll stay.
 *
 * @param {Element} parent
 * @param {readonly Element[]} children
 */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  for (const [index, child] of children.entries()) {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  }
}

/**
 * One element per key, made once and filled anew each time.
 *
 * @param {Element} parent
 * @param {(key: string) => HTMLElement} create
 * @returns {(keys: readonly string[], fill?: (element: HTMLElement, key: string) => void) => void}
 */
export function keyed(parent, create) {
  /** @type {Map<string, HTMLElement>} */
  const made = new Map();
  return (keys, fill) => {
    for (const key of made.keys()) if (!keys.includes(key)) made.delete(key);
    const elements = keys.map((key) => {
      const element = made.get(key) ?? create(key);
      made.set(key, element);
      fill?.(element, key);
      return element;
    });
    arrange(parent, elements);
  };
}

/**
 * The element of the page's HTML with this id.
 *
 * @param {string} id
 */
export function at(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * The element that an event came from.
 *
 * @param {Event} event
 */
export function targetOf({ target }) {
  if (!(target instanceof Element)) throw new Error("the event comes from no element");
  return target;
}

/**
 * What went wrong, in words.
 *
 * @param {unknown} error
 */
export const wordsOf = (error) => (error instanceof Error ? error.message : String(error));
