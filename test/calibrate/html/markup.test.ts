import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeText, html } from "../../../calibrate/html/markup.ts";

test("what is put in is text, in content as in attributes, unless it is markup", () => {
  const name = `</title><script>alert("1")</script>' & `;
  assert.equal(html`<a title="${name}">${name}</a>`.text, `<a title="${escapeText(name)}">${escapeText(name)}</a>`);
  assert.doesNotMatch(escapeText(name), /[<>"']/);
  assert.equal(
    html`<p>${html`<b>${1}</b>`}${["a<", html`<i></i>`, null, false, undefined]}</p>`.text,
    "<p><b>1</b>a&#60;<i></i></p>",
  );
});

test("characters that no document may hold are replaced", () => {
  assert.equal(escapeText("a\u0000\u001b[31m\tb\ud800"), "a\ufffd\ufffd[31m\tb\ufffd");
});
